// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package axe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-id/gatehouse/internal/interop/browser"
)

// startBook builds and starts examples/uibook, and returns its origin.
func startBook(tb testing.TB) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "uibook")
	build := exec.Command("go", "build", "-o", program, "github.com/gatehouse-id/gatehouse/examples/uibook")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build uibook: %v\n%s", err, out)
	}
	book := exec.Command(program, "--listen", "127.0.0.1:0")
	book.Stderr = os.Stderr
	stdout, err := book.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := book.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = book.Process.Kill()
		_ = book.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatalf("uibook said nothing: %v", err)
	}
	return strings.TrimSuffix(strings.TrimSpace(line), "/")
}

// contents reads the paths of all pages from the book's index.
func contents(tb testing.TB, origin string) []string {
	tb.Helper()
	response, err := http.Get(origin + "/")
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	paths := []string{"/"}
	for _, m := range regexp.MustCompile(`<a href="([^"]+)"`).FindAllStringSubmatch(string(body), -1) {
		paths = append(paths, m[1])
	}
	if len(paths) < 40 {
		tb.Fatalf("the index lists %d pages only", len(paths))
	}
	return paths
}

var (
	widths  = []int64{1280, 360, 320}
	schemes = []string{"light", "dark"}
)

// audit is what the page reports of itself: axe's violations, whether it
// scrolls sideways, and which targets are too small; first as it comes, then
// with everything open that opens. Of a long list eight rows are enough for axe:
// one template makes them all.
const audit = `(async () => {
  const found = [];
  async function look(state) {
    const result = await axe.run({exclude: [["#rows > li:nth-child(n+9)"]]}, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}});
    for (const v of result.violations) found.push(state + v.id + ": " + v.help + "\n  " +
      v.nodes.map((n) => n.html + "\n    " + n.failureSummary.replaceAll("\n", "\n    ")).join("\n  "));
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) found.push(state + "scrolls sideways by " + over + " px");
    for (const e of document.querySelectorAll("button, summary, input:not([type=hidden]), select, textarea, nav a, .button, .chip a")) {
      const r = e.getBoundingClientRect();
      if (r.width && r.height && (r.width < 24 || r.height < 24)) found.push(state + "target of " + r.width + " x " + r.height + " px: " + e.outerHTML);
    }
  }
  await look("");
  const closed = [...document.querySelectorAll("details:not([open])")];
  if (closed.length) {
    for (const d of closed) { d.removeAttribute("name"); d.open = true; }
    await look("opened, ");
    for (const d of closed) d.open = false;
  }
  return found;
})()`

// TestPages holds every page of the book to WCAG by axe-core, and to a silent
// console.
func TestPages(t *testing.T) {
	script := engine(t)
	tab := browser.Start(t).Tab(t)
	origin := startBook(t)
	for _, path := range contents(t, origin) {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			tab.Complaints()
			if err := chromedp.Do(tab.Ctx, chromedp.Navigate(origin+path)); err != nil {
				t.Fatal(err)
			}
			status := silent(t, tab.Complaints())
			if _, err := chromedp.Run(tab.Ctx, chromedp.Evaluate[any](script+";null")); err != nil {
				t.Fatalf("load axe: %v", err)
			}
			for _, scheme := range schemes {
				for _, width := range widths {
					if testing.Short() && (scheme == "dark") != (width == 320) {
						continue
					}
					inspect(t, tab.Ctx, scheme, width)
					shoot(t, tab.Ctx, path, scheme, width)
				}
			}
			if !status {
				return
			}
			silent(t, tab.Complaints())
		})
	}
}

// silent reports what the console said, except that Chromium reports the
// status of the page itself, which a refusal rightly has.
func silent(t *testing.T, complaints []string) bool {
	t.Helper()
	ok := true
	for _, c := range complaints {
		if strings.HasPrefix(c, "network error: Failed to load resource: the server responded with a status of 4") ||
			strings.HasPrefix(c, "network error: Failed to load resource: the server responded with a status of 5") {
			continue
		}
		t.Errorf("console: %s", c)
		ok = false
	}
	return ok
}

func inspect(t *testing.T, ctx context.Context, scheme string, width int64) {
	t.Helper()
	if err := appear(ctx, scheme, width); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](audit, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s at %d px: %v", scheme, width, err)
	}
	for _, f := range found {
		t.Errorf("%s at %d px: %s", scheme, width, f)
	}
}

// appear sets the colour scheme and the width, without motion, so that no
// colour is judged half-way.
func appear(ctx context.Context, scheme string, width int64) error {
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800)); err != nil {
		return err
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	return err
}

// shoot leaves an image of the page, where somebody wants to look at it.
func shoot(t *testing.T, ctx context.Context, path, scheme string, width int64) {
	t.Helper()
	folder := os.Getenv("GATEHOUSE_SCREENSHOTS")
	if folder == "" || width == 360 {
		return
	}
	beyond := true
	image, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: &beyond,
	})
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
	name := fmt.Sprintf("%s-%s-%d.png", strings.ReplaceAll(strings.Trim(path, "/"), "/", "-"), scheme, width)
	if err := os.WriteFile(filepath.Join(folder, name), image.Data, 0o644); err != nil {
		t.Fatal(err)
	}
}

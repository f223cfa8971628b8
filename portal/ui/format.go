// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// clock writes a moment as people read it, in UTC, with the exact one for machines.
func clock(t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2 Jan 2006, 15:04") + ` UTC</time>`) //nolint:gosec // digits and month names only
}

// remaining writes the time from now to t in its two largest units.
func remaining(now, t time.Time) string {
	d := t.Sub(now)
	if d <= 0 {
		return "0 min"
	}
	minutes := int((d + time.Minute - 1) / time.Minute)
	days, hours, mins := minutes/1440, minutes/60%24, minutes%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case hours > 0 && mins > 0:
		return fmt.Sprintf("%d h %d min", hours, mins)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d min", mins)
}

// accountID sets twelve digits in groups of four by style alone, so that what
// people copy has no blanks in it.
func accountID(id string) template.HTML {
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return template.HTML(template.HTMLEscapeString(id)) //nolint:gosec // escaped here
	}
	return template.HTML(id[:4] + "<i>" + id[4:8] + "</i>" + id[8:]) //nolint:gosec // digits only
}

// plural writes "1 account" and "2 accounts".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const maxDuration = 366 * 24 * time.Hour

// parseDuration reads an xs:duration that is not negative. Years and months
// are 365 and 30 days; more than a year is a year.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%.40q is not a duration", s)
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || len(s) > 40 {
		return 0, bad
	}
	date, clock, timed := strings.Cut(rest, "T")
	if rest == "" || timed && clock == "" {
		return 0, bad
	}
	const day = 24 * time.Hour
	var total time.Duration
	for _, part := range []struct {
		s     string
		order string
		unit  []time.Duration
	}{
		{date, "YMD", []time.Duration{365 * day, 30 * day, day}},
		{clock, "HMS", []time.Duration{time.Hour, time.Minute, time.Second}},
	} {
		at := 0
		for part.s != "" {
			i := strings.IndexAny(part.s, "YMDHS")
			if i <= 0 {
				return 0, bad
			}
			j := strings.IndexByte(part.order[at:], part.s[i])
			if j < 0 {
				return 0, bad
			}
			at += j
			if strings.Trim(part.s[:i], "0123456789.") != "" || part.s[i] != 'S' && strings.Contains(part.s[:i], ".") {
				return 0, bad
			}
			n, err := strconv.ParseFloat(part.s[:i], 64)
			if err != nil {
				return 0, bad
			}
			if d := n * float64(part.unit[at]); d > float64(maxDuration) {
				total = maxDuration
			} else {
				total = min(maxDuration, total+time.Duration(d))
			}
			at++
			part.s = part.s[i+1:]
		}
	}
	return total, nil
}

func formatDuration(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return "PT" + strconv.FormatInt(int64(d/time.Second), 10) + "S"
}

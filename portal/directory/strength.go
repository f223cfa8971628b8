// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MinPassword is the shortest password that can be set, in characters.
const MinPassword = 10

// minUnguessed is how many characters must be left when everything is taken
// out that a guesser tries first.
const minUnguessed = 6

// ErrWeakPassword is wrapped by the errors of [CheckPassword].
var ErrWeakPassword = errors.New("directory: password is too weak")

// CheckPassword refuses a new password that is shorter than [MinPassword]
// characters, longer than [MaxPassword] bytes, or little more than common
// words, sequences, repetitions and what is known of the person (NIST SP
// 800-63B 5.1.1.2). It asks for no mixture of characters. Its errors wrap
// [ErrWeakPassword] and are for the person to read.
//
// It is a small check of our own because the library for it loads 18 MB of
// dictionaries at the start of every program that links it.
func CheckPassword(password string, known ...string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return fmt.Errorf("%w: use at least %d characters", ErrWeakPassword, MinPassword)
	case len(password) > MaxPassword:
		return fmt.Errorf("%w: use at most %d bytes", ErrWeakPassword, MaxPassword)
	case unguessed(password, known) < minUnguessed:
		return fmt.Errorf("%w: it is easily guessed; add words that do not belong together", ErrWeakPassword)
	}
	return nil
}

// leet undoes the substitutions that every guesser knows.
var leet = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// unguessed counts the characters that are left of a password without common
// words, the person's own, sequences and repetitions.
func unguessed(password string, known []string) int {
	text := strings.ToLower(password)
	words := slices.Clone(common)
	for _, k := range known {
		for _, part := range strings.FieldsFunc(strings.ToLower(k), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len(part) >= 3 {
				words = append(words, part)
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	for _, w := range words {
		text = strings.ReplaceAll(text, w, "\x00")
	}
	plain := leet.Replace(text)
	for _, w := range words {
		plain = strings.ReplaceAll(plain, w, "\x00")
	}
	return min(distinctRuns(text), distinctRuns(plain))
}

// distinctRuns counts characters, where a sequence or repetition counts one and
// a removed word none.
func distinctRuns(text string) int {
	n := 0
	var last rune
	for _, r := range text {
		if r != 0 && (last == 0 || r != last && !follows(last, r)) {
			n++
		}
		last = r
	}
	return n
}

// rows are the keyboard's, in which neighbours follow each other.
var rows = []string{"1234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm"}

// follows reports whether b is next to a in the alphabet, the digits or a row
// of the keyboard.
func follows(a, b rune) bool {
	if d := b - a; d == 1 || d == -1 {
		return true
	}
	for _, row := range rows {
		i, j := strings.IndexRune(row, a), strings.IndexRune(row, b)
		if i >= 0 && j >= 0 && (i-j == 1 || j-i == 1) {
			return true
		}
	}
	return false
}

// common are words that lists of leaked passwords are full of.
var common = []string{
	"password", "passwort", "passwd", "pass", "letmein", "welcome", "willkommen", "iloveyou", "loveyou", "love", "admin", "administrator", "root", "login", "master",
	"monkey", "dragon", "football", "baseball", "basketball", "soccer", "hockey", "sunshine", "princess", "shadow", "superman", "batman", "michael", "jordan", "jessica",
	"ashley", "daniel", "charlie", "thomas", "robert", "andrew", "joshua", "matthew", "jennifer", "nicole", "george", "hunter", "ranger", "killer", "pepper", "ginger",
	"summer", "winter", "spring", "autumn", "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
	"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "qwerty", "qwertz", "azerty", "trustno", "whatever", "starwars", "computer", "internet",
	"secret", "changeme", "default", "temp", "test", "guest", "user", "hello", "freedom", "flower", "cheese", "cookie", "banana", "orange", "purple", "yellow", "silver", "golden",
	"liverpool", "chelsea", "arsenal", "barcelona", "mustang", "corvette", "ferrari", "mercedes", "porsche", "google", "facebook", "linkedin", "amazon", "apple", "windows",
	"samsung", "pokemon", "naruto", "minecraft", "gatehouse", "company", "office", "work", "access", "portal", "server", "database", "spring", "happy", "lovely", "angel", "baby",
}

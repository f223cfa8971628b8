// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
)

// journalLine is a line of [ApplyOptions].Journal: the first names the plan,
// each other a change that is done.
type journalLine struct {
	Plan string `json:"plan,omitempty"` // hash
	Step string `json:"step,omitempty"`
	ID   string `json:"id,omitempty"` // the target's, of what was created
}

// journalText bounds a line; ids and keys are far shorter.
const journalText = 1 << 20

// readJournal returns what an earlier run has done, and makes the journal
// ready to be written. A line that a killed process left unfinished is none.
func readJournal(j io.ReadWriter, p *Plan) (map[string]string, error) {
	if j == nil {
		return nil, nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, &Error{Check: CheckPlan, Public: "this is not a plan", Err: err}
	}
	sum := sha256.Sum256(b)
	plan, done, lines, named := hex.EncodeToString(sum[:]), map[string]string{}, 0, false
	in := bufio.NewScanner(j)
	in.Buffer(nil, journalText)
	for in.Scan() {
		// A run that is repeated writes lines for what it does only, and a head.
		if lines++; lines > 2*(len(p.Users)+len(p.Groups))+10_000 {
			return nil, refuse(CheckPlan, "the journal is too long for the plan")
		}
		var line journalLine
		if json.Unmarshal(bytes.TrimSpace(in.Bytes()), &line) != nil {
			line = journalLine{}
		}
		switch {
		case line.Plan == plan:
			named = true
		case line.Plan != "":
			return nil, refuse(CheckPlan, "the journal is of another plan")
		case !named && lines > 1: // the first may be unfinished
			return nil, refuse(CheckPlan, "this is no journal")
		case named && line.Step != "":
			done[line.Step] = line.ID
		}
	}
	if err := in.Err(); err != nil {
		return nil, &Error{Check: CheckPlan, Public: "the journal cannot be read", Err: err}
	}
	head := line(journalLine{Plan: plan})
	if lines > 0 {
		head = append([]byte("\n"), head...) // the last line may have no end
	}
	if _, err := j.Write(head); err != nil {
		return nil, &Error{Check: CheckPlan, Public: "the journal cannot be written", Err: err}
	}
	return done, nil
}

func line(l journalLine) []byte {
	b, _ := json.Marshal(l)
	return append(b, '\n')
}

// note writes that a step is done. The caller holds a.mu.
func (a *applier) note(step string) error {
	if a.o.Journal == nil {
		return nil
	}
	l := journalLine{Step: step}
	if key, ok := strings.CutPrefix(step, "user+"); ok {
		l.ID = a.people[key]
	} else if key, ok := strings.CutPrefix(step, "group+"); ok {
		l.ID = a.teams[key]
	}
	_, err := a.o.Journal.Write(line(l))
	return err
}

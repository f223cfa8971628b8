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
// each other a change that is done, or the first half of one.
type journalLine struct {
	Plan string `json:"plan,omitempty"` // hash
	Step string `json:"step,omitempty"`
	Made string `json:"made,omitempty"` // the step whose first half is done
	ID   string `json:"id,omitempty"`   // the target's, of what was created
}

// journalText bounds a line; ids and keys are far shorter.
const journalText = 1 << 20

// readJournal returns what an earlier run has done, and by half, and makes the
// journal ready to be written. A line that a killed process left unfinished is
// none.
func readJournal(j io.ReadWriter, p *Plan) (done, made map[string]string, err error) {
	if j == nil {
		return nil, nil, nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, nil, &Error{Check: CheckPlan, Public: "this is not a plan", Err: err}
	}
	sum := sha256.Sum256(b)
	plan, lines, named := hex.EncodeToString(sum[:]), 0, false
	done, made = map[string]string{}, map[string]string{}
	in := bufio.NewScanner(j)
	in.Buffer(nil, journalText)
	for in.Scan() {
		// A run that is repeated writes lines for what it does only, and a head.
		if lines++; lines > 3*(len(p.Users)+len(p.Groups))+10_000 {
			return nil, nil, refuse(CheckPlan, "the journal is too long for the plan")
		}
		var line journalLine
		if json.Unmarshal(bytes.TrimSpace(in.Bytes()), &line) != nil {
			line = journalLine{}
		}
		switch {
		case line.Plan == plan:
			named = true
		case line.Plan != "":
			return nil, nil, refuse(CheckPlan, "the journal is of another plan")
		case !named && lines > 1: // the first may be unfinished
			return nil, nil, refuse(CheckPlan, "this is no journal")
		case named && line.Step != "":
			done[line.Step] = line.ID
		case named && line.Made != "":
			made[line.Made] = line.ID
		}
	}
	if err := in.Err(); err != nil {
		return nil, nil, &Error{Check: CheckPlan, Public: "the journal cannot be read", Err: err}
	}
	head := line(journalLine{Plan: plan})
	if lines > 0 {
		head = append([]byte("\n"), head...) // the last line may have no end
	}
	if _, err := j.Write(head); err != nil {
		return nil, nil, &Error{Check: CheckPlan, Public: "the journal cannot be written", Err: err}
	}
	return done, made, nil
}

func line(l journalLine) []byte {
	b, _ := json.Marshal(l)
	return append(b, '\n')
}

// note writes a line; without a journal there is no going on. The caller holds
// a.mu.
func (a *applier) note(l journalLine) {
	if a.o.Journal == nil {
		return
	}
	if _, err := a.o.Journal.Write(line(l)); err != nil {
		a.cancel(&Error{Check: CheckIncomplete, Public: "the journal cannot be written", Err: err})
	}
}

// idOf is the id of what a step has made, if it has. The caller holds a.mu.
func (a *applier) idOf(step string) string {
	if key, ok := strings.CutPrefix(step, "user+"); ok {
		return a.people[key]
	}
	key, _ := strings.CutPrefix(step, "group+")
	return a.teams[key]
}

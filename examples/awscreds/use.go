// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/gatehouse-id/gatehouse/sts"
)

type useCmd struct {
	Role     string `arg:"" help:"ACCOUNT/ROLE."`
	Shell    string `enum:"posix,fish,powershell" default:"posix" help:"Whose syntax: posix, fish or powershell."`
	Template string `help:"The template that profiles were written with." default:"{{.Account}}-{{.Role}}"`
}

// Run prints a setting of AWS_PROFILE: no secret reaches the shell, the
// profile asks for credentials when they are needed.
func (c *useCmd) Run(a *app) error {
	tmpl, err := template.New("name").Option("missingkey=error").Parse(c.Template)
	if err != nil {
		return fail(exitUsage, err, "The template is wrong: %v", err)
	}
	r, err := a.find(c.Role)
	if err != nil {
		return err
	}
	name, err := profileName(tmpl, r)
	if err != nil {
		return err
	}
	file, err := (&profilesCmd{}).file(a)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil || !strings.Contains("\n"+string(b), "\n[profile "+name+"]") {
		return fail(exitUsage, err, "There is no profile %s yet. Run: awscreds profiles", name)
	}
	for _, v := range [][2]string{{"AWS_PROFILE", name}, {"AWS_REGION", r.portal.Region}} {
		line, err := sts.Shell(c.Shell).Setting(v[0], v[1])
		if err != nil {
			return err
		}
		fmt.Fprintln(a.out, line)
	}
	a.say("Using %s.", r)
	return nil
}

// remember keeps the names of roles for completion, best effort.
func (a *app) remember(p portal, rs []role) {
	v, err := a.vault()
	if err != nil {
		return
	}
	var names []string
	for _, r := range rs {
		names = append(names, cmp.Or(sts.ProfileName(r.AccountName), r.AccountID)+"/"+r.Role)
	}
	slices.Sort(names)
	_ = v.put(a.ctx, p.vaultName("roles"), slices.Compact(names))
}

type completeCmd struct {
	Word string `arg:"" optional:""`
}

// Run prints the remembered roles that begin with the word. It asks nobody, so
// that a key press never waits for the network.
func (c *completeCmd) Run(a *app) error {
	a.ask = nil
	list, err := a.portals()
	if err != nil {
		return err
	}
	v, err := a.vault()
	if err != nil {
		return err
	}
	for _, p := range list {
		var names []string
		if err := v.get(a.ctx, p.vaultName("roles"), &names); err != nil && !errors.Is(err, sts.ErrNotCached) {
			return err
		}
		for _, n := range names {
			if strings.HasPrefix(strings.ToLower(n), strings.ToLower(c.Word)) {
				fmt.Fprintln(a.out, n)
			}
		}
	}
	return nil
}

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// completions complete the command, and for commands that take one the role.
// Names of roles hold no character that a shell would look at.
var completions = map[string]string{
	"bash": `_awscreds() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  case ${COMP_WORDS[1]} in
  creds|exec|console|serve|use|whoami|list) COMPREPLY=( $(awscreds complete -- "$cur" 2>/dev/null) ) ;;
  *) [ "$COMP_CWORD" -eq 1 ] && COMPREPLY=( $(compgen -W "COMMANDS" -- "$cur") ) ;;
  esac
}
complete -F _awscreds awscreds
`,
	"zsh": `#compdef awscreds
_awscreds() {
  case $words[2] in
  creds|exec|console|serve|use|whoami|list) compadd -- ${(f)"$(awscreds complete -- "$PREFIX" 2>/dev/null)"} ;;
  *) (( CURRENT == 2 )) && compadd -- COMMANDS ;;
  esac
}
compdef _awscreds awscreds
`,
	"fish": `complete -c awscreds -f
complete -c awscreds -n __fish_use_subcommand -a "COMMANDS"
complete -c awscreds -n "__fish_seen_subcommand_from creds exec console serve use whoami list" -a "(awscreds complete -- (commandline -ct) 2>/dev/null)"
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName awscreds -ScriptBlock {
  param($word, $ast, $position)
  $found = if ($ast.CommandElements.Count -gt 1 -and 'creds','exec','console','serve','use','whoami','list' -contains $ast.CommandElements[1].ToString()) {
    awscreds complete -- $word 2>$null
  } else { -split 'COMMANDS' | Where-Object { $_ -like "$word*" } }
  $found | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}

const commandNames = "setup portals login logout list creds exec console profiles process serve use whoami doctor completion"

// Run prints the script.
func (c *completionCmd) Run(a *app) error {
	_, err := fmt.Fprint(a.out, strings.ReplaceAll(completions[c.Shell], "COMMANDS", commandNames))
	return err
}

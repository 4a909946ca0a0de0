package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
)

func TestTheExaminationIsReadableAtNight(t *testing.T) {
	e := &examination{Node: "lb01", Peer: "lb02", File: "/etc/nginx/pairkeeper.yaml", Report: &doctor.Report{
		Findings: []doctor.Finding{
			{
				Check: "vrrp-blocked", Severity: doctor.Fault, What: "the packet filter drops VRRP from lb02 on eth0 (router web)",
				Evidence: []string{"table inet filter, chain input: no rule accepts it, and the policy is drop"}, Why: "a Backup that does not hear the Active node takes the addresses from it",
				Advice: "add the rule to its file, too", Mend: []string{"nft insert rule inet filter input 'meta l4proto 112 accept'", "nft list ruleset"},
			},
			{Check: "daemon", Severity: doctor.Notice, What: "pairkeeper does not run here\x1b[2J", Why: "much was not looked at"},
		},
		Good: []doctor.Look{{Check: "unit", What: "the unit is there"}}, Unread: []doctor.Unread{{Area: doctor.AreaPackets, Why: "run doctor as root"}},
	}}
	var got bytes.Buffer
	printExamination(&got, e)
	path := filepath.Join("testdata", "doctor.txt")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDoctorEndsAsBadAsTheWorstFinding(t *testing.T) {
	for worst, want := range map[doctor.Severity]int{doctor.Fault: 2, doctor.Warning: 1, doctor.Notice: 0} {
		e := &examination{Report: &doctor.Report{Findings: []doctor.Finding{{Severity: worst}, {Severity: doctor.Notice}}}}
		err := e.exit()
		f, failed := errors.AsType[failure](err)
		if failed != (want != 0) || f.code != want {
			t.Errorf("%s: %v with exit status %d, want %d", worst, err, f.code, want)
		}
		if err != nil && err.Error() != "" {
			t.Errorf("%s: it says %q after all has been said", worst, err)
		}
	}
}

func TestDoctorRefusesABadFile(t *testing.T) {
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs([]string{"doctor", "testdata/none.yaml"})
	f, _ := errors.AsType[failure](root.Execute())
	if f.code != exitConfig || out.Len() > 0 {
		t.Errorf("exit status %d, %s", f.code, &out)
	}
}

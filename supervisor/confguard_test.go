package supervisor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

const nginxConf = "/etc/nginx/nginx.conf"

// onDisk is a change of nginx.conf; at is when it was written.
func onDisk(hash string, at time.Duration) supervisor.ProxyConfigChanged {
	return supervisor.ProxyConfigChanged{Hash: hash, Paths: []string{nginxConf}, Written: at}
}

// running is the proxy as it is while it runs with what it read at a moment.
func running(loaded time.Duration) supervisor.UnitState {
	u := active
	u.Loaded = loaded
	return u
}

var (
	testGood = supervisor.TestDone{For: supervisor.ForConfig}
	testBad  = supervisor.TestDone{For: supervisor.ForConfig, Problem: "nginx -t: exit 1: unknown directive in /etc/nginx/nginx.conf:7"}
	reloaded = supervisor.ReloadDone{For: supervisor.ForConfig}
)

// watching is a node that holds the address, whose proxy read its configuration at 10s.
func watching(t testing.TB, policy supervisor.ReloadPolicy) *script {
	t.Helper()
	s := holding(t, watched(policy))
	s.tell(unit(running(10 * time.Second)))
	s.wants(s.tell(supervisor.ProxyConfigChanged{Hash: "a", Written: 5 * time.Second, First: true}), firstTest(policy)...)
	if policy != supervisor.ReloadNever {
		s.wants(s.tell(testGood))
	}
	s.conf("unchanged", "")
	return s
}

func watched(policy supervisor.ReloadPolicy) supervisor.Config {
	cfg := base()
	cfg.Proxy.Watch, cfg.Proxy.Reload = []string{"/etc/nginx"}, policy
	return cfg
}

func firstTest(policy supervisor.ReloadPolicy) []string {
	if policy == supervisor.ReloadNever {
		return nil
	}
	return []string{"run test for the configuration"}
}

// conf wants a state of the proxy's configuration, and words of its problem.
func (s *script) conf(state, problem string, changed ...string) {
	s.Helper()
	v := s.node.Proxy(s.now).Config
	if v.State.String() != state || !strings.Contains(v.Problem, problem) || problem == "" && v.Problem != "" || !slices.Equal(v.Changed, changed) {
		s.Fatalf("the configuration is %s (%q, %v), want %s (%q, %v)", v.State, v.Problem, v.Changed, state, problem, changed)
	}
}

// detail is what a reason's note says.
func detail(actions []supervisor.Action, reason vrrp.Reason) string {
	for _, a := range actions {
		if n, ok := a.(supervisor.Note); ok && n.Reason == reason {
			return n.Detail
		}
	}
	return ""
}

func TestAGoodEditWaitsForAReload(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.wants(s.tell(onDisk("b", 20*time.Second)), "run test for the configuration")
	s.conf("changed", "", nginxConf)
	actions := s.node.Step(s.now, testGood)
	s.wants(wordsOf(actions), "note proxy-config-pending")
	if d := detail(actions, supervisor.ReasonConfPending); d != nginxConf+": tested good, not in force: systemctl reload nginx" {
		t.Errorf("it says %q", d)
	}
	s.conf("pending", "", nginxConf)
	s.wantsNo(s.pass(time.Hour), "reload")
	s.wants(s.tell(unit(withJob(running(10*time.Second), "reload"))))
	s.wants(s.tell(unit(running(30*time.Second))), "note proxy-config-loaded")
	s.conf("unchanged", "")
	s.state("web", vrrp.Active)
}

func TestAGoodEditIsReloadedWhereThatIsWanted(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(testGood), "reload for the configuration")
	s.conf("tested", "", nginxConf)
	s.wants(s.tell(unit(running(21 * time.Second)))) // systemd tells of it before its job has ended
	s.wants(s.tell(reloaded), "note proxy-config-reloaded")
	s.conf("reloaded", "")
	s.wants(s.tell(onDisk("a", 40*time.Second)), "run test for the configuration") // what was before is another one now
}

func TestAReloadThatFailsIsSaid(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.wants(s.tell(supervisor.ReloadDone{For: supervisor.ForConfig, Problem: "reload nginx.service: the job failed"}), "note proxy-config-reload-failed")
	s.conf("reload-failed", "the job failed", nginxConf)
	s.wantsNo(s.pass(time.Hour), "reload")
	s.wants(s.tell(unit(running(30*time.Second))), "note proxy-config-loaded")
	s.conf("unchanged", "")
}

func TestAReloadThatFailsBesideOneThatWorkedIsNoTrouble(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second), testGood, unit(running(21*time.Second)))
	s.wants(s.tell(supervisor.ReloadDone{For: supervisor.ForConfig, Problem: "another order"}), "note proxy-config-loaded")
	s.conf("unchanged", "")
}

func TestABadEditIsSaidAndTheProxyLeftAlone(t *testing.T) {
	for _, policy := range []supervisor.ReloadPolicy{supervisor.ReloadManual, supervisor.ReloadAuto} {
		s := watching(t, policy)
		s.tell(onDisk("b", 20*time.Second))
		actions := s.node.Step(s.now, testBad)
		s.wants(wordsOf(actions), "note proxy-config-bad")
		if d := detail(actions, supervisor.ReasonConfBad); !strings.Contains(d, "/etc/nginx/nginx.conf:7") {
			t.Errorf("it says %q, not where", d)
		}
		s.wants(s.pass(time.Hour))
		s.conf("bad", "unknown directive in /etc/nginx/nginx.conf:7", nginxConf)
		s.phase(supervisor.Good)
		s.state("web", vrrp.Active)
	}
}

func TestABadEditIsOverWhenItIsMended(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.tell(onDisk("b", 20*time.Second), testBad)
	s.wants(s.tell(onDisk("c", 30*time.Second)), "run test for the configuration")
	s.wants(s.tell(testGood), "note proxy-config-pending")
	s.conf("pending", "", nginxConf)
}

func TestAnEditThatIsTakenBackIsOver(t *testing.T) {
	for name, answer := range map[string]supervisor.Event{"bad": testBad, "good": testGood} {
		t.Run(name, func(t *testing.T) {
			s := watching(t, supervisor.ReloadManual)
			s.tell(onDisk("b", 20*time.Second), answer)
			s.wants(s.tell(onDisk("a", 30*time.Second)), "note proxy-config-restored")
			s.conf("unchanged", "")
		})
	}
}

func TestTheSameContentIsNoChange(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.wants(s.tell(onDisk("a", 20*time.Second)))
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(onDisk("b", 30*time.Second)))
}

func TestAnEditDuringATestIsTestedAgain(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(onDisk("c", 21*time.Second)))
	s.wants(s.tell(testGood), "run test for the configuration") // that was about b, or half of c
	s.wants(s.tell(testBad), "note proxy-config-bad")
}

func TestAnEditThatIsTakenBackDuringATestIsNotJudged(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(onDisk("a", 21*time.Second)), "note proxy-config-restored")
	s.wants(s.tell(testBad))
	s.conf("unchanged", "")
}

func TestAnEditDuringAReloadIsTestedAgain(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.wants(s.tell(onDisk("c", 22*time.Second)), "run test for the configuration")
	s.wants(s.tell(reloaded))
	s.wants(s.tell(testGood), "reload for the configuration")
	s.wants(s.tell(reloaded), "note proxy-config-reloaded")
}

func TestAnEditThatIsTakenBackDuringAReloadIsReloadedAsWell(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.tell(onDisk("a", 22*time.Second))
	s.wants(s.tell(unit(running(21*time.Second)), reloaded), "run test for the configuration") // b is in force, or a: nobody knows
	s.wants(s.tell(testGood), "reload for the configuration")
	s.wants(s.tell(reloaded), "note proxy-config-reloaded")
}

func TestAChildIsNotReloadedBySystemctl(t *testing.T) {
	cfg := watched(supervisor.ReloadManual)
	cfg.Proxy.Unit, cfg.Proxy.Command = "", []string{"nginx"}
	s := holding(t, cfg)
	s.tell(supervisor.ProxyConfigChanged{Hash: "a", First: true}, testGood, onDisk("b", 20*time.Second))
	if d := detail(s.node.Step(s.now, testGood), supervisor.ReasonConfPending); !strings.HasSuffix(d, "not in force: reload: auto would have it reloaded") {
		t.Errorf("it says %q", d)
	}
}

// sed -i … && systemctl reload nginx: the reload is over before the files are quiet.
func TestAnEditThatWasReloadedAtOnceIsNotPending(t *testing.T) {
	for name, u := range map[string]time.Duration{"before it is told": 0, "while the test runs": 1} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range []supervisor.ReloadPolicy{supervisor.ReloadManual, supervisor.ReloadAuto} {
				s := watching(t, policy)
				if u == 0 {
					s.wants(s.tell(unit(running(21 * time.Second))))
				}
				s.wants(s.tell(onDisk("b", 20*time.Second)), "run test for the configuration")
				if u == 1 {
					s.wants(s.tell(unit(running(21 * time.Second))))
				}
				s.wants(s.tell(testGood), "note proxy-config-loaded")
				s.conf("unchanged", "")
			}
		})
	}
}

func TestARestartBringsTheConfigurationIntoForce(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.tell(unit(failed), supervisor.TestDone{})
	s.wants(s.tell(unit(starts), unit(running(30*time.Second))), "note proxy-config-loaded")
	s.conf("unchanged", "")
}

func TestAReloadFromBeforeTheEditDoesNotCount(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.wants(s.tell(unit(running(19 * time.Second))))
	s.conf("pending", "", nginxConf)
}

func TestABadConfigurationThatIsReloadedIsTestedAgain(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.tell(onDisk("b", 20*time.Second), testBad)
	s.wants(s.tell(unit(running(30*time.Second))), "run test for the configuration") // a certificate may be there by now
	s.wants(s.tell(testGood), "note proxy-config-loaded")
	s.conf("unchanged", "")
}

func TestNeverIsReportedOnly(t *testing.T) {
	s := watching(t, supervisor.ReloadNever)
	s.wants(s.tell(onDisk("b", 20*time.Second)), "note proxy-config-changed")
	s.conf("changed", "", nginxConf)
	s.wants(s.pass(time.Hour))
	s.wants(s.tell(unit(running(30*time.Second))), "note proxy-config-loaded")
	s.wants(s.tell(onDisk("c", 40*time.Second)), "note proxy-config-changed")
	s.wants(s.tell(onDisk("b", 50*time.Second)), "note proxy-config-restored")
	s.conf("unchanged", "")
}

func TestWhatCannotBeTestedIsSaid(t *testing.T) {
	cfg := watched(supervisor.ReloadManual)
	cfg.Proxy.Test = nil
	s := holding(t, cfg)
	s.tell(unit(running(10 * time.Second)))
	s.wants(s.tell(supervisor.ProxyConfigChanged{Hash: "a", First: true}))
	s.wants(s.tell(onDisk("b", 20*time.Second)), "note proxy-config-pending")
	s.conf("pending", "cannot be tested", nginxConf)
	s.wants(s.tell(unit(running(30*time.Second))), "note proxy-config-loaded")
}

func TestABadConfigurationIsSaidAtTheStart(t *testing.T) {
	s := holding(t, watched(supervisor.ReloadManual))
	s.tell(unit(running(10*time.Second)), supervisor.ProxyConfigChanged{Hash: "a", Written: 5 * time.Second, First: true})
	s.wants(s.tell(testBad), "note proxy-config-bad")
	s.conf("bad", "unknown directive")
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.wants(s.tell(onDisk("a", 30*time.Second)), "run test for the configuration") // it was never in force
}

func TestWhatWasWrittenAfterTheProxyStartedIsPendingAtTheStart(t *testing.T) {
	s := play(t, watched(supervisor.ReloadManual))
	s.wants(s.tell(supervisor.Start{}, supervisor.ProxyConfigChanged{Hash: "a", Written: 15 * time.Second, First: true}))
	s.wants(s.tell(unit(running(10*time.Second))), "run test for the configuration")
	s.wants(s.tell(testGood), "note proxy-config-pending")
	s.conf("pending", "")
}

func TestTheLadderDoesNotWaitForATestOfTheConfiguration(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(unit(failed)), "note proxy-failed", "run test") // which ends ours
	s.wants(s.tell(testBad))                                       // too late
	s.wants(s.tell(supervisor.TestDone{}), "note proxy-restarting", "restart", "run test for the configuration")
}

func TestNoTestOfTheConfigurationBeginsDuringOneOfTheLadder(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(unit(failed))
	s.wants(s.tell(onDisk("b", 20*time.Second)))
	got := s.tell(supervisor.TestDone{Problem: "unknown directive"})
	if !has(got, "FAULT (proxy-down)") || !has(got, "run test for the configuration") {
		t.Errorf("it wants %q", got)
	}
	s.wants(s.tell(testBad), "note proxy-config-bad")
	s.phase(supervisor.GivenUp)
}

func TestNothingIsReloadedWhileTheLadderWorks(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second))
	s.tell(unit(failed), supervisor.TestDone{})
	s.wants(s.tell(testGood)) // the proxy is down
	s.conf("tested", "", nginxConf)
	s.wants(s.tell(unit(starts), unit(running(30*time.Second))), "note proxy-config-loaded") // by the restart
}

func TestAHungProxyIsTheLaddersAlone(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(deaf, supervisor.TestDone{})
	s.phase(supervisor.Restarting)
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(testGood)) // the unit is active still
	s.wants(s.tell(unit(running(30*time.Second))), "note proxy-config-loaded")
}

func TestAProxyThatIsGivenUpButRunsIsReloaded(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(wrong, supervisor.TestDone{Problem: "no"})
	s.phase(supervisor.GivenUp)
	s.tell(onDisk("b", 20*time.Second))
	s.wants(s.tell(testGood), "reload for the configuration")
}

func TestAnOperatorsJobIsNotDisturbed(t *testing.T) {
	s := watching(t, supervisor.ReloadAuto)
	s.tell(onDisk("b", 20*time.Second), unit(withJob(running(10*time.Second), "reload")))
	s.wants(s.tell(testGood))
	s.wants(s.tell(unit(running(21*time.Second))), "note proxy-config-loaded")
}

// A reload by an operator takes longer than the test.
func TestAnEditThatIsBeingReloadedIsNotPending(t *testing.T) {
	for _, policy := range []supervisor.ReloadPolicy{supervisor.ReloadManual, supervisor.ReloadAuto} {
		during := withJob(running(10*time.Second), "reload")
		during.Active = "reloading"
		s := watching(t, policy)
		s.tell(unit(during), onDisk("b", 20*time.Second))
		s.wants(s.tell(testGood))
		s.conf("tested", "", nginxConf)
		s.wants(s.tell(unit(running(21*time.Second))), "note proxy-config-loaded")

		s.tell(unit(during), onDisk("c", 30*time.Second), testGood)
		failed := s.tell(unit(running(21 * time.Second))) // it came to nothing
		if policy == supervisor.ReloadAuto {
			s.wants(failed, "reload for the configuration")
		} else {
			s.wants(failed, "note proxy-config-pending")
		}
	}
}

func TestAnotherPolicyTakesEffectAtOnce(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.tell(onDisk("b", 20*time.Second), testGood)
	s.conf("pending", "", nginxConf)
	s.tell(supervisor.Reconfigured{Config: watched(supervisor.ReloadAuto)})
	s.wants(s.tell(testGood), "reload for the configuration")
	s.wants(s.tell(reloaded), "note proxy-config-reloaded")
	off := watched(supervisor.ReloadAuto)
	off.Proxy.Watch = nil
	s.tell(supervisor.Reconfigured{Config: off})
	s.conf("unknown", "")
	s.state("web", vrrp.Active)
}

func TestAConfigurationThatIsTooLargeIsSaid(t *testing.T) {
	s := watching(t, supervisor.ReloadManual)
	s.wants(s.tell(supervisor.ProxyConfigChanged{Problem: "more than 4096 files"}), "note proxy-config-unwatched")
	s.conf("unwatched", "more than 4096 files")
	s.wants(s.tell(onDisk("a", 20*time.Second)))
	s.conf("unchanged", "")
}

func TestManyPathsAreNamedInPart(t *testing.T) {
	s := watching(t, supervisor.ReloadNever)
	ev := onDisk("b", 20*time.Second)
	ev.Paths = []string{"/d", "/c", "/b", "/a", "/a"}
	if d := detail(s.node.Step(s.now, ev), supervisor.ReasonConfChanged); !strings.HasPrefix(d, "/a, /b, /c and 1 more: changed") {
		t.Errorf("it says %q", d)
	}
}

// Whatever happens to the files, the proxy and the addresses stay.
func TestNothingOfTheConfigurationMovesTheAddress(t *testing.T) {
	events := []supervisor.Event{
		onDisk("b", 20*time.Second), onDisk("c", 21*time.Second), onDisk("a", 22*time.Second), testGood, testBad, reloaded,
		supervisor.ReloadDone{For: supervisor.ForConfig, Problem: "no"}, unit(running(30 * time.Second)),
		supervisor.ProxyConfigChanged{Problem: "too many"}, supervisor.ProxyConfigChanged{Hash: "d", First: true},
	}
	for _, policy := range []supervisor.ReloadPolicy{supervisor.ReloadManual, supervisor.ReloadAuto, supervisor.ReloadNever} {
		for i := range 1000 { // every three of them in a row
			s := watching(t, policy)
			for _, n := range []int{i / 100, i / 10 % 10, i % 10} {
				got := s.tell(events[n])
				s.wantsNo(got, "restart")
				s.wantsNo(got, "web ")
			}
			s.state("web", vrrp.Active)
			s.phase(supervisor.Good)
		}
	}
}

package packetfilter

import "testing"

// FuzzRulesets judges whatever the tools may print.
func FuzzRulesets(f *testing.F) {
	f.Add(rhel, `{"nftables": []}`)
	f.Add("-P INPUT DROP\n-N a\n-A a -g a\n-A INPUT ! -s 10.0.0.0/8 -j a\n", `{"nftables": [{"chain": {"family": "ip", "table": "f", "name": "in", "hook": "input", "policy": "drop"}},
		{"rule": {"family": "ip", "table": "f", "chain": "in", "expr": [{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["eth0", {"jump": {"target": "in"}}]]}}}]}}]}`)
	f.Fuzz(func(t *testing.T, tables, ruleset string) {
		s, err := ParseNFT([]byte(ruleset))
		if err != nil {
			s = &Ruleset{}
		}
		s.AddIPTables(tables, "ip", IPTables)
		for _, p := range []Packet{advert(), beat()} {
			if f := s.Judge(p); f.Judgement != Passes && f.Chain == nil {
				t.Errorf("judged %d without a chain to blame", f.Judgement)
			}
		}
	})
}

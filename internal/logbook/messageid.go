package logbook

import (
	"strings"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// IDOf is the id of a record's kind, for its MESSAGE_ID; empty: the kind has none.
// A kind is a transition's state and reason, or the reason of what was noted; of a refused
// advert with its refusal. That a router in FAULT has another reason to be is a transition
// from FAULT to FAULT.
func IDOf(state string, reason vrrp.Reason, refusal vrrp.Refusal) string {
	return ids[strings.TrimSpace(state+" "+string(reason)+" "+string(refusal))]
}

// ids has an id for every kind. Once released an id stays what it is: people look for it.
// A new kind takes a line here, with the id that `systemd-id128 new` gives, its
// explanation in each systemd/pairkeeper*.catalog, and a line of testdata/ids.golden,
// which `go test ./internal/logbook -update` adds.
var ids = map[string]string{
	// A router's transition: its new state and why.
	"ACTIVE alone":          "27569d60b0e646df8389c5d273cc6580",
	"ACTIVE owner":          "753219593a404f4abff0cd708161a57e",
	"ACTIVE peer-released":  "41ce82d9a13c4dedabb64cd26f6f855b",
	"ACTIVE peer-silent":    "f3277ff8d293410d917cb08e07f6b61e",
	"ACTIVE preempts":       "8f9de470cf314ff68c27dcd3eb66127b",
	"ACTIVE unclaimed":      "40c7923755014e09bdf8207654017639",
	"BACKUP group":          "dddfb767a2b5422cae6b80c8c69e019f",
	"BACKUP higher-address": "f4c0014e12ad46d19ab4d5bd5af3461d",
	"BACKUP higher-advert":  "c72614236e1341daaefa8d8d69bc1500",
	"BACKUP outranked":      "929c2804ec9140e6b76b5bc1be335264",
	"BACKUP paused":         "e61906589dc140d3b065d3ac5705f52d",
	"BACKUP started":        "88341d23ce5c4711963d6d5c2625d31f",
	"FAULT barred":          "1047dbeb9341460fafa4e9f5ce82c7fe",
	"FAULT group-fault":     "9125355d8d1842bfa3e27bc266a8e8e9",
	"FAULT link-down":       "d878a5ea86b3413d8f385eb8d05bcc71",
	"FAULT link-missing":    "a6f79426cd964baf874b3984f25d5e77",
	"FAULT link-unusable":   "3cf2dec4aa2e4d4384748bb0ac840a7a",
	"FAULT no-address":      "ed59c07929754e6f8d337bb076956860",
	"FAULT probe":           "c2e3fd83458a4485b3d433fd63503589",
	"FAULT proxy-down":      "db4e29dd37da4338a0ae542dfb478f3d",
	"FAULT proxy-missing":   "0c252f0f17af47a7aed86001434a46db",
	"FAULT proxy-returns":   "deb52ddfbe7e43f3bfb2b1d514440f98",
	"FAULT proxy-stopped":   "7c280bff3dcf4344bb558b5a9973debc",
	"FAULT proxy-unknown":   "29f60bec6e6a4305bc53dd51d4af14a3",
	"FAULT track":           "3d60d00324204e02ae40ede2f3d910c0",
	"FAULT vip-failed":      "a0ec91339f4c4d3a8e273968dcf74978",
	"INIT reconfigured":     "aeffcef975ea4eee9d1dacb62220cf5d",
	"INIT starting":         "f53909db71464f10a92554a3d6cd4c40",
	"INIT stopping":         "3827c52d132f4b29b13219b0199bc670",

	// What a router noted.
	"address-answered": "e2c5d39b6a2c4034bd8c145878157f5a",
	"address-claimed":  "bb3784a1ff334fa7bb228873d1d5a86e",
	"address-contest":  "117186e384c64da38238a81a74200a21",
	"address-found":    "53ec322f07c747408749e38201defcf2",
	"address-list":     "92444f2e1e054900a12a44fbf33f23d6",
	"address-vanished": "6f60b86cc9364a35b0632bf9ced26472",
	"foreign-router":   "83d9f0b9d0b6428a933bdd4d7a064b35",
	"interval-adopted": "2b362448b21047af92c3ff96d9214b15",
	"interval-refused": "7fc9918d85a042b787eda16b600b070d",
	"lower-advert":     "52b312b8481147a4b03aac6d89fb20c7",
	"own-advert":       "23f2241119f1454c875e03f35f1bd5d3",
	"owner-conflict":   "583500f513d64a0f9e5d585bab0f1a09",
	"paused":           "76ffb0f8ab144233805f49a3ddd3324d",
	"priority":         "1db1d10bd2394a4d9c858323929e3db3",

	// What the guard of the proxy noted.
	"proxy-down":           "0822616e8a52438b83212eea8e59de00",
	"proxy-failed":         "5d9fd8e7aa254e2ea622c8490c087964",
	"proxy-missing":        "90ea02ee29db476d9a964569834972b6",
	"proxy-recovered":      "8ecf1efe348c4d1095ffb716e355f522",
	"proxy-restart-failed": "c0ea136ea7a2468ca08565652512f7a5",
	"proxy-restarting":     "74a36ffb142a4f85a1f8999e500668c6",
	"proxy-stopped":        "90fb744601614f2e8fdfe70ec9d88997",
	"proxy-test-failed":    "2e046bd0332045ae9cb40b4ac14997f9",
	"restart-budget":       "389727281a1d436f9aad3169883906da",
	"start-limit":          "70bb1ef4018147e1a163b4ba773a930e",
	"systemd-lost":         "aa9e0dd120754348ad0076209ca63e2c",

	// A refused advert: why.
	"advert-refused ah-malformed":     "78ee9e6ab81f47aebdb7de70590c49fb",
	"advert-refused auth-mismatch":    "59cac88e84a04ad694cca2149054f1a1",
	"advert-refused auth-type":        "f891a75ed1da45a9ab1114f5f0d81da7",
	"advert-refused carp":             "a2a8f9b584244063acbce6b1e99f25b4",
	"advert-refused checksum":         "2d2fcf58cda046b59c8a337703e73822",
	"advert-refused destination":      "365d15c6b7b04432bbdcb47f192d505d",
	"advert-refused family":           "645fd96ce5274a9eb62322fb98c6fab9",
	"advert-refused hmac-bad":         "8d7560be1e6e43a8ad715acfa8fcf64e",
	"advert-refused hmac-malformed":   "c4dd440762da472c861e2556f372da75",
	"advert-refused hmac-missing":     "3e2565846c5749689baf0cd9cec8f389",
	"advert-refused hmac-unknown-key": "2da6f11537004129a8bfb4ca9624cd47",
	"advert-refused interval-zero":    "cee230af71b9462fba7841cc0bc77c54",
	"advert-refused length":           "d161dc6242674764845771838f47e1cb",
	"advert-refused no-addresses":     "4a68b468246c4be780aa88de4d09c4e0",
	"advert-refused replay":           "2c3a12dc43864a34b8224b9baeba747c",
	"advert-refused source":           "9bedd1c053ce439bbc49cf4e43e3ca5d",
	"advert-refused stale":            "e94c1df0e0194b8dbe23f06abfa9bfed",
	"advert-refused ttl":              "36084565ebdd402f939a31d0aebe3502",
	"advert-refused type":             "8c0d5025a9a64c5db3844f7f837c1ef4",
	"advert-refused version":          "a21bbdd5afe1450dac0298177764dc57",
	"advert-refused vrid":             "25d27786b69a45d2832006c82d2add30",

	// What the daemon itself noted.
	"begins":            "2f2a69b9abec4ff2be5de29685488952",
	"breaks-off":        "0fb3fb90918841da8015adc2836abf04",
	"cleaned":           "e05ef11100154c40a29ded2aea58d672",
	"config-applied":    "e0b962e49d7c40a8a916f0d33cf3bbe8",
	"config-refused":    "0c20bcf79f6748e89301b1157523cf97",
	"config-warning":    "a3a7c13f7925424bb9a9d3e8847731f2",
	"end-incomplete":    "1124c3eb8aa64121a0c5a779e6171cd7",
	"ends":              "0475d890af7d4324ba8201760c7dcf72",
	"link-unknown":      "4644933c38fa4949b0b075c01f493449",
	"no-control-socket": "5b6fb5ea47e04bb4a3ef7a9c579b1f83",
	"receive":           "e4fa641496aa45c78e573feba0313100",
	"records-lost":      "ed1fa392cd9f4345ac423c5fed49ed6a",
	"send-failed":       "eb501943233542b3acf8ac52dd246c54",
	"socket":            "4235661a20f84aa38f98bcde612c2492",
	"suppressed":        "b2d1f91b942b49419a9af816b4491cf7",
	"timing":            "bb97479c44584188af78e54bbe7738d0",
	"vip-stays":         "2d79c3f798b24e0db05b318c7a0ac306",
}

package daemon

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// callerKey is where a connection's context has who opened it.
type callerKey struct{}

// withCaller keeps who has opened a connection of the control socket, as the kernel says.
func withCaller(ctx context.Context, c net.Conn) context.Context {
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return ctx
	}
	_ = raw.Control(func(fd uintptr) {
		if who, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			ctx = context.WithValue(ctx, callerKey{}, who)
		}
	})
	return ctx
}

// Denied says why somebody may not do what he asked for.
type Denied struct {
	Problem string `json:"problem"`
}

// forOperators lets everybody who can open the socket ask, and only root and the daemon's
// user change anything.
func forOperators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known := r.Context().Value(callerKey{}).(*unix.Ucred)
		if r.Method == http.MethodGet || known && (who.Uid == 0 || int(who.Uid) == os.Geteuid()) {
			next.ServeHTTP(w, r)
			return
		}
		you := "nobody knows who you are"
		if known {
			you = "you are " + userName(int(who.Uid))
		}
		may := "root"
		if id := os.Geteuid(); id != 0 {
			may += " and " + userName(id)
		}
		w.WriteHeader(http.StatusForbidden)
		answer(w, Denied{Problem: fmt.Sprintf("%s; only %s may do this", you, may)})
	})
}

// userName is a user's name with his number, as far as the host knows it.
func userName(id int) string {
	number := strconv.Itoa(id)
	if u, err := user.LookupId(number); err == nil {
		return u.Username + " (uid " + number + ")"
	}
	return "uid " + number
}

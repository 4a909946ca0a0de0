package program

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// User is whom a program runs as.
type User struct {
	Name       string
	home       string
	credential syscall.Credential
}

// LookUp finds a user and the groups that it is in.
func LookUp(name string) (*User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %s", name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	as := &User{Name: name, home: u.HomeDir, credential: syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("the groups of user %s: %w", name, err)
	}
	for _, g := range groups {
		id, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("the groups of user %s: %w", name, err)
		}
		as.credential.Groups = append(as.credential.Groups, uint32(id))
	}
	return as, nil
}

// isDaemon tells that the daemon runs as this user already: then nothing has to be
// permitted.
func (u *User) isDaemon() bool {
	return int(u.credential.Uid) == os.Geteuid() && int(u.credential.Gid) == os.Getegid()
}

// environment is all that a program is given besides its own variables.
func (u *User) environment() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	if u != nil {
		env = append(env, "HOME="+u.home, "USER="+u.Name, "LOGNAME="+u.Name)
	}
	return env
}

package fsm

import (
	"testing"

	"berth/structs"
)

func TestOneRootIsActive(t *testing.T) {
	w := newWorld()
	root := func(id, previous string) *structs.AuthorityRootCommand {
		return &structs.AuthorityRootCommand{Root: &structs.AuthorityRoot{ID: id, Certificate: []byte{1}, SealedKey: []byte{2}}, Previous: previous, RetireAt: 7}
	}
	w.refuse(t, structs.KindInvalid, structs.CmdAuthorityRoot, &structs.AuthorityRootCommand{})
	w.refuse(t, structs.KindConflict, structs.CmdAuthorityRoot, root("a", "other"))
	w.do(t, structs.CmdAuthorityRoot, root("a", ""))
	w.refuse(t, structs.KindConflict, structs.CmdAuthorityRoot, root("b", "")) // a second server that forms the cluster comes too late
	w.do(t, structs.CmdAuthorityRoot, root("b", "a"))
	w.refuse(t, structs.KindConflict, structs.CmdAuthorityRoot, root("a", "b"))
	if r := w.snap().ActiveRoot(); r.ID != "b" || r.RetireAt != 0 {
		t.Errorf("active is %+v", r)
	}
	if r := w.snap().AuthorityRoot("a"); r.Active || r.RetireAt != 7 {
		t.Errorf("the one before is %+v", r)
	}
	w.refuse(t, structs.KindConflict, structs.CmdAuthorityRootDelete, &structs.NameDeleteCommand{Names: []string{"b"}})
	w.refuse(t, structs.KindNotFound, structs.CmdAuthorityRootDelete, &structs.NameDeleteCommand{Names: []string{"c"}})
	w.do(t, structs.CmdAuthorityRootDelete, &structs.NameDeleteCommand{Names: []string{"a"}})
	if w.snap().AuthorityRoot("a") != nil {
		t.Error("a is still there")
	}
}

func TestAJoinTokenIsUsedAsOftenAndAsLongAsItMay(t *testing.T) {
	w := newWorld()
	id, hash := evalID(1), []byte("hash")
	const late = 1 << 62
	put := func(n, uses int, expires int64) {
		w.do(t, structs.CmdJoinToken, &structs.JoinTokenCommand{Token: &structs.JoinToken{ID: evalID(n), Role: "client", Hash: hash, ExpiresAt: expires, MaxUses: uses}})
	}
	use := func(n int, h string) *structs.JoinTokenUseCommand {
		return &structs.JoinTokenUseCommand{ID: evalID(n), Hash: []byte(h), By: "me"}
	}
	put(1, 2, late)
	put(2, 0, 1)
	w.refuse(t, structs.KindInvalid, structs.CmdJoinToken, &structs.JoinTokenCommand{Token: &structs.JoinToken{ID: evalID(3), Role: "king", Hash: hash}})
	w.refuse(t, structs.KindConflict, structs.CmdJoinToken, &structs.JoinTokenCommand{Token: &structs.JoinToken{ID: id, Role: "client", Hash: hash}})
	w.refuse(t, structs.KindUnauthorised, structs.CmdJoinTokenUse, use(1, "another"))
	w.refuse(t, structs.KindUnauthorised, structs.CmdJoinTokenUse, use(3, "hash"))
	w.refuse(t, structs.KindUnauthorised, structs.CmdJoinTokenUse, use(2, "hash")) // expired
	w.do(t, structs.CmdJoinTokenUse, use(1, "hash"))
	w.do(t, structs.CmdJoinTokenUse, use(1, "hash"))
	w.refuse(t, structs.KindUnauthorised, structs.CmdJoinTokenUse, use(1, "hash")) // used up
	if got := w.snap().JoinToken(id); got.Uses != 2 || got.LastUsedBy != "me" {
		t.Errorf("%+v", got)
	}
	w.do(t, structs.CmdJoinTokenDelete, &structs.JoinTokenDeleteCommand{IDs: []structs.ID{id, evalID(2)}})
	w.refuse(t, structs.KindNotFound, structs.CmdJoinTokenDelete, &structs.JoinTokenDeleteCommand{IDs: []structs.ID{id}})
}

package structs

import "testing"

func TestAJobIsNamedWithItsNamespace(t *testing.T) {
	for want, namespace := range map[string]string{"web": "", "-namespace ml web": "ml"} {
		if got := JobArgs(namespace, "web"); got != want {
			t.Errorf("%q in namespace %q", got, namespace)
		}
	}
	if got := JobArgs(DefaultNamespace, "web"); got != "web" {
		t.Errorf("%q in the default namespace", got)
	}
}

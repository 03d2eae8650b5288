package structs

import (
	"strings"
	"testing"
)

func templateFaults(data string) Faults {
	c := &checker{limits: DefaultLimits(), job: &Job{}}
	left, right := "{{", "}}"
	c.checkTemplateText(&place{text: "T"}, &Template{EmbeddedTmpl: &data, LeftDelim: &left, RightDelim: &right})
	return c.faults
}

func TestTemplatesAreReadAtSubmit(t *testing.T) {
	for data, want := range map[string]string{
		"plain ${NOMAD_PORT_http} text":                                             "",
		`{{ range nomadService "db" }}{{ .Address }}:{{ .Port }}{{ end }}`:          "",
		`{{ with nomadVar "nomad/jobs/x" }}{{ .password | toJSON }}{{ end }}`:       "",
		`{{ if eq (env "A") "b" }}{{ else if true }}{{ else }}{{ end }}`:            "",
		`{{ range $i, $s := nomadServices }}{{ $i }}{{ sprig_upper .Name }}{{end}}`: "",
		`{{ define "x" }}{{ . }}{{ end }}{{ template "x" . }}`:                      "",
		`{{ "{{" }} {{/* comment */}}`:                                              "",
		"\n\n{{ key \"a\" }}":                                                       "line 3 of the template: key reads from Consul",
		`{{ with secret "secret/db" }}{{ .Data.password }}{{ end }}`:                "line 1 of the template: secret reads from Vault",
		`{{ range service "db" }}{{ end }}`:                                         "service reads Berth's own registry",
		`{{ if (keyExists "a") }}{{ end }}`:                                         "keyExists reads from Consul",
		`{{ with env "A" }}a{{ else }}{{ key "b" }}{{ end }}`:                       "key reads from Consul",
		`{{ define "data" }}{{ key "b" }}{{ end }}`:                                 "key reads from Consul",
		`{{ define "x" }}{{ pkiCert "a" }}{{ end }}`:                                "pkiCert reads from Vault",
		`{{ nomadServise "a" }}`:                                                    `there is no function "nomadServise"`,
		`{{ whatIsThat 1 }}`:                                                        `function "whatIsThat" is not known`,
		"a\n{{ if }}":                                                               "line 2 of the template: missing value for if",
		"{{ range x }}":                                                             "line 1 of the template: unexpected EOF",
		"{{ .a ":                                                                    "line 1 of the template: unclosed action",
		`{{ executeTemplate "x" }}`:                                                 "executeTemplate is not allowed",
		"{{ " + strings.Repeat("(", 100_000):                                        "nests more than 100 levels deep",
		strings.Repeat("{{ if true }}", 100_000):                                    "nests more than 100 levels deep",
		strings.Repeat("{{ if true }}{{ else if true }}", 100_000):                  "nests more than 100 levels deep",
		strings.Repeat("(", 1000) + strings.Repeat(":-)", 1000):                     "",
	} {
		faults := templateFaults(data)
		switch {
		case want == "" && len(faults) > 0:
			t.Errorf("%.60s: %v", data, faults)
		case want != "" && (len(faults) != 1 || !strings.Contains(faults[0].Message, want)):
			t.Errorf("%.60s: want %q, have %v", data, want, faults)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{`{{ range service "db" }}{{ .Address }}{{ end }}`, "{{ if (eq 1 2) }}a{{ else if . }}b{{ end }}", "{{ .a ", "{{/* c */}}{{ define \"x\" }}{{ end }}", "{{ $x := key `a` }}{{ $x | toJSON }}"} {
		f.Add(s, "{{", "}}")
	}
	f.Add("[[ if . ]]", "[[", "]]")
	f.Fuzz(func(t *testing.T, data, left, right string) {
		c := &checker{limits: DefaultLimits(), job: &Job{}}
		c.checkTemplateText(&place{text: "T"}, &Template{EmbeddedTmpl: &data, LeftDelim: &left, RightDelim: &right})
		lines := strings.Count(data, "\n") + 1
		for _, fault := range c.faults {
			if fault.Line < 0 || fault.Line > lines || fault.Message == "" {
				t.Fatalf("%+v of %d lines", fault, lines)
			}
		}
	})
}

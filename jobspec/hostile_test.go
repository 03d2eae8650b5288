package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const tail = "\njob \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config { image = \"a\" }\n }\n }\n }\n"

// largeList begins locals with a list that takes half of the work that is allowed.
var largeList = "locals {\n big = split(\",\", \"" + strings.Repeat("a,", 120_000) + "\")\n"

// lines repeats a text; # in it is the number.
func lines(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// hostile are texts made to exhaust a parser. Each must be answered, and soon.
func hostile() map[string]string {
	rep := strings.Repeat
	inMeta := func(expr string) string {
		return "job \"j\" {\n meta {\n a = " + expr + "\n }\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config { image = \"a\" }\n } } }\n"
	}
	var doubling, groups, chain, product strings.Builder
	doubling.WriteString("locals {\n a0 = \"0123456789\"\n")
	for i := 1; i < 90; i++ {
		fmt.Fprintf(&doubling, " a%d = \"${local.a%d}${local.a%d}\"\n", i, i-1, i-1)
	}
	doubling.WriteString("}\n" + tail)
	groups.WriteString("job \"j\" {\n")
	for i := range 10_000 {
		fmt.Fprintf(&groups, "group \"g%d\" {\n task \"t\" {\n driver = \"docker\"\n config { image = \"a\" }\n }\n }\n", i)
	}
	groups.WriteString("}\n")
	chain.WriteString("locals {\n")
	for i := range 5000 {
		fmt.Fprintf(&chain, " a%d = local.a%d\n", i, i+1)
	}
	chain.WriteString(" a5000 = 1\n}\n" + tail)
	product.WriteString("locals {\n l = range(1000)\n p = setproduct(local.l, local.l, local.l)\n}\n" + tail)
	return map[string]string{
		"two megabytes":       inMeta(`"` + rep("x", 2<<20) + `"`),
		"ten thousand groups": groups.String(),
		"nested blocks":       "job \"j\" {\n" + rep("a {\n", 200) + rep("}\n", 200) + "}\n",
		"parentheses":         inMeta(rep("(", 100<<10)),
		"closed parentheses":  inMeta(rep("(", 50<<10) + "1" + rep(")", 50<<10)),
		"brackets":            inMeta(rep("[", 100<<10)),
		"braces":              inMeta(rep("{a=", 30<<10)),
		"templates":           inMeta(rep(`"${`, 30<<10)),
		"controls":            inMeta(`"` + rep(`%{if true}`, 10<<10) + `"`),
		"bangs":               inMeta(rep("!", 100<<10) + "true"),
		"minuses":             inMeta(rep("-", 100<<10) + "1"),
		"spaced minuses":      inMeta(rep("- ", 50<<10) + "1"),
		"ternaries":           inMeta(rep("true ? ", 20<<10) + "1"),
		"ternary tails":       inMeta(rep("true ? 1 : ", 10<<10) + "1"),
		"ternaries in list":   inMeta("[" + rep("true ? 1 : ", 10<<10) + "1]"),
		"sums":                inMeta(rep("1 + ", 50<<10) + "1"),
		"ors":                 inMeta(rep("true || ", 50<<10) + "true"),
		"indexes":             inMeta("[1]" + rep("[0]", 50<<10)),
		"dots":                inMeta("a" + rep(".a", 100<<10)),
		"splats":              inMeta("[1]" + rep("[*]", 50<<10)),
		"calls":               inMeta(rep("upper(", 30<<10)),
		"doubling":            doubling.String(),
		"chain of locals":     chain.String(),
		"doubled in a for":    "locals {\n a = \"" + rep("x", 1000) + "\"\n b = join(local.a, [for i in range(1000) : local.a])\n c = join(local.b, [for i in range(1000) : local.b])\n}\n" + tail,
		"for for":             inMeta("join(\",\", flatten([for a in range(1000) : [for b in range(1000) : \"x\"]]))"),
		"for for for":         inMeta("jsonencode([for a in range(100) : [for b in range(1000) : [for c in range(1000) : c]]])"),
		"for strings":         "locals {\n l = [for a in range(1000) : [for b in range(1000) : format(\"%100d\", b)]]\n m = [for x in local.l : [for y in local.l : x]]\n}\n" + tail,
		"for in a for source": inMeta("jsonencode([for a in [for b in [for c in range(1000) : range(1000)] : range(1000)] : a])"),
		"template for":        inMeta(`"%{ for a in range(1000) }%{ for b in range(1000) }%{ for c in range(100) }x%{ endfor }%{ endfor }%{ endfor }"`),
		"product":             product.String(),
		"format width":        inMeta(`format("%999999999d", 1)`),
		"format precision":    inMeta(`format("%.999999999f", 1.5)`),
		"format star":         inMeta(`format("%*d", 999999999, 1)`),
		"format big":          inMeta(`format("%f", pow(10, 99999))`),
		"pow":                 inMeta("pow(2, 1000000000)"),
		"pow of a pow":        inMeta("pow(pow(10, 300), 300)"),
		"pow negative":        inMeta("pow(10, -1000000000)"),
		"big number":          inMeta("1e1000000000"),
		"small number":        inMeta("1e-1000000000"),
		"long number":         inMeta(rep("9", 500<<10)),
		"number in a text":    inMeta(`"${1e1000000}"`),
		"number times number": inMeta("1e100000000 * 1e100000000"),
		"number converted":    inMeta(`parseint("` + rep("9", 200<<10) + `", 10)`),
		"number as key":       inMeta(`[1, 2][1e1000000]`),
		"int of exponent":     "job \"j\" {\n priority = 1e1000000000\n}\n",
		"duration exponent":   "job \"j\" {\n group \"g\" {\n shutdown_delay = 1e1000000000\n } }\n",
		"long sums":           inMeta(rep("1 + ", 350<<10) + "1"),
		"long sum of lines":   inMeta("(" + rep("1 +\n", 350<<10) + "1)"),
		"long indexes":        inMeta("[1]" + rep("[0]", 450<<10)),
		"long dots":           inMeta("a" + rep(".a", 700<<10)),
		"long splats":         inMeta("[1]" + rep("[*]", 450<<10)),
		"long controls":       inMeta(`"` + rep(`%{if true}`, 140<<10) + `"`),
		"long interpolations": inMeta(`"` + rep(`${1}`, 350<<10) + `"`),
		"long list":           inMeta("jsonencode([" + rep("1,", 700<<10) + "1])"),
		"long object":         inMeta("jsonencode({" + rep("a=1,", 350<<10) + "})"),
		"long heredocs":       inMeta("<<A\n" + rep("${1}\n", 300<<10) + "A"),
		"comments":            rep("/* */", 300<<10) + tail,
		"lines":               rep("\n", 1500<<10),
		"json in a string":    `{"job": {"j": {"meta": {"a": "${` + rep("1 + ", 350<<10) + `1}"}}}}`,
		"json controls":       `{"job": {"j": {"meta": {"a": "` + rep("%{if true}", 140<<10) + `"}}}}`,
		"json numbers":        `{"job": {"j": {"meta": [` + rep("1,", 700<<10) + `1]}}}`,
		"json strings":        `{"job": {"j": {"meta": {"a": [` + rep(`"${1}",`, 200<<10) + `1]}}}}`,
		"digits as operand":   inMeta(`"` + rep("9", 1<<20) + `" * 1`),
		"digits as number":    "job \"j\" {\n priority = \"" + rep("9", 1<<20) + "\"\n}\n",
		"range":               inMeta("join(\",\", range(0, 1000000000))"),
		"indent":              inMeta(`indent(999999999, "a\nb")`),
		"chunklist":           inMeta("jsonencode(chunklist(range(1000), 1))"),
		"regexp":              inMeta(`regex_replace("` + rep("a", 30<<10) + `", "((a{1,30}){1,30}){1,30}", "x")`),
		"regexp bomb":         inMeta(`regex_replace("` + rep("a", 100<<10) + `", "(a+)+(b|c|d)?$", "$1$1$1$1")`),
		"regexp growth":       inMeta(`regex_replace("` + rep("a", 300<<10) + `", "(a*)", "` + rep("$1", 1000) + `")`),
		"replace growth":      inMeta(`replace("` + rep("a", 300<<10) + `", "a", "` + rep("b", 300<<10) + `")`),
		"replace regexp":      inMeta(`replace("` + rep("a", 30<<10) + `", "/(a{0,100}){0,100}/", "b")`),
		"yaml bomb":           inMeta(`jsonencode(yamldecode("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n"))`),
		"yaml depth":          inMeta(`yamldecode("` + rep("[", 50<<10) + `")`),
		"json depth":          inMeta(`jsondecode("` + rep("[", 100<<10) + rep("]", 100<<10) + `")`),
		"bcrypt":              inMeta(`bcrypt("x", 31)`),
		"many bcrypts":        inMeta(`jsonencode([for i in range(1000) : bcrypt("x")])`),
		"cidrsubnets":         inMeta(`jsonencode(cidrsubnets("10.0.0.0/8", 24))`),
		"constraint regexp":   "job \"j\" {\n constraint {\n attribute = \"${attr.a}\"\n regexp = \"((((a{1,100}){1,100}){1,100}){1,100}){1,100}\"\n }\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config { image = \"a\" }\n } } }\n",
		"invalid UTF-8":       "job \"\xff\" {\n}\n",
		"NULs":                rep("\x00", 100<<10),
		"open heredocs":       inMeta(rep("<<A\n", 10<<10)),
		"open quotes":         rep("\"\n", 100<<10),
		"attributes": "job \"j\" {\n" + func() string {
			var b strings.Builder
			for i := range 60_000 {
				fmt.Fprintf(&b, "a%d = 1\n", i)
			}
			return b.String()
		}() + "}\n",
		"unknown blocks":        "job \"j\" {\n" + rep("foo {}\n", 100<<10) + "}\n",
		"one attribute again":   "job \"j\" {\n" + rep("a = 1\n", 60<<10) + "}\n",
		"labels":                "job " + rep("\"a\" ", 100<<10) + "{\n}\n",
		"dynamic in dynamic":    "job \"j\" {\n dynamic \"group\" {\n for_each = range(1000)\n labels = [\"g${group.value}\"]\n content {\n dynamic \"task\" {\n for_each = range(1000)\n labels = [\"t${task.value}\"]\n content {\n driver = \"docker\"\n } } } } }\n",
		"dynamic cubed":         "job \"j\" {\n dynamic \"group\" {\n for_each = range(1000)\n labels = [\"g${group.value}\"]\n content {\n dynamic \"task\" {\n for_each = range(1000)\n labels = [\"t${task.value}\"]\n content {\n dynamic \"env\" {\n for_each = range(1000)\n content {\n a = 1\n } } } } } } }\n",
		"big value everywhere":  "locals {\n a = \"" + rep("x", 500<<10) + "\"\n}\njob \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config { image = \"a\" }\n dynamic \"env\" {\n for_each = range(1000)\n content {\n A = \"${local.a}${env.key}\"\n } } } } }\n",
		"json depth of file":    rep("[", 100<<10),
		"json objects":          rep(`{"a":`, 100<<10),
		"json templates":        `{"job": {"j": {"meta": {"a": "` + rep("${", 50<<10) + `"}}}}`,
		"json parentheses":      `{"job": {"j": {"meta": {"a": "${` + rep("(", 50<<10) + `"}}}}`,
		"json bangs":            `{"job": {"j": {"meta": {"a": "${` + rep("!", 50<<10) + `true}"}}}}`,
		"json keys of template": `{"job": {"j": {"meta": {"${` + rep("(", 50<<10) + `": "x"}}}}`,
		"json variable default": `{"variable": {"a": {"default": "${` + rep("(", 50<<10) + `"}}, "job": {"j": {}}}`,
		"json variable type":    `{"variable": {"a": {"type": "` + rep("list(", 50<<10) + `"}}, "job": {"j": {}}}`,
		"json label template":   `{"job": {"${` + rep("(", 50<<10) + `": {}}}`,
		"json for for":          `{"job": {"j": {"meta": {"a": "${can([for i in range(1000) : [for j in range(1000) : [1, 2, 3]]])}"}}}}`,
		"json null name":        `{"job": {"j": {"meta": {"${null}": "x"}}}}`,
		"json name twice":       `{"job": {"j": {"meta": {"a": "x", "a": "y"}}}}`,
		"many locals":           "locals {\n" + lines(9_900, "a# = 1\n") + "}\n" + tail,
		"locals that miss":      "locals {\n" + lines(4_900, "a# = 1\n") + lines(4_900, "b# = can(local.c#)\n") + "}\n" + tail,
		"many variables":        lines(9_900, "variable \"a#\" {\n default = 1\n}\n") + tail,
		"large list compared":   largeList + lines(9_900, "a# = local.big == null\n") + "}\n" + tail,
		"large list in can":     largeList + lines(9_900, "a# = can(local.big + 1)\n") + "}\n" + tail,
		"large list converted":  largeList + lines(5000, "a# = can(convert(local.big, set(string)).x)\n") + "}\n" + tail,
		"large list or none":    largeList + lines(5000, "a# = can((true ? local.big : []).x)\n") + "}\n" + tail,
		"large body of for":     "locals {\n a = [for i in range(1000) : can([" + rep("1,", 9_900) + "])]\n}\n" + tail,
		"large text of dynamic": "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config {\n image = \"a\"\n }\n }\n dynamic \"meta\" {\n for_each = range(1000)\n content {\n a = \"" + rep("x", 200<<10) + "\"\n }\n }\n }\n}\n",
		"large list of dynamic": "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config {\n image = \"a\"\n }\n }\n dynamic \"service\" {\n for_each = range(1000)\n content {\n name = \"s${service.key}\"\n tags = [" + rep("\"\",", 9_900) + "]\n }\n }\n }\n}\n",
		"large body of dynamic": "job \"j\" {\n dynamic \"meta\" {\n for_each = range(1000)\n content {\n a = can([" + rep("1,", 9_900) + "])\n }\n }\n}\n",
		"lists of two kinds":    "locals {\n a = [for i in range(1000) : {a = 1}]\n c = [for i in range(999) : {b = true}]\n" + lines(100, "b# = can(true ? local.a : local.c)\n") + "}\n" + tail,
		"defaults multiplied":   "variable \"a\" {\n type = list(object({" + lines(300, "a#=optional(string,\"x\"),") + "}))\n default = [" + rep("{},", 9_900) + "]\n}\n" + tail,
		"a type for all":        "variable \"a\" {\n type = list(any)\n default = [" + lines(9_900, "{a#=1},") + "]\n}\n" + tail,
		"map as attribute":      "job \"j\" {\n meta = {\n" + lines(9_900, "a# = []\n") + "}\n}\n",
		"json map":              `{"job": {"j": {"meta": {` + lines(9_900, `"a#": [],`) + `"z": "1"}}}}`,
		"json empty names":      `{"job": {"j": {"datacenters": [` + rep(`"",`, 9_900) + `""]}}}`,
		"a list for all":        "locals {\n a = distinct([" + lines(9_900, "#,") + "])\n}\n" + tail,
		"types within types": "locals {\n a0 = [1]\n" + func() string {
			var b strings.Builder
			for i := 1; i < 95; i++ {
				fmt.Fprintf(&b, "a%d = [local.a%d]\n", i, i-1)
			}
			return b.String()
		}() + lines(3000, "b# = local.a94 == local.a94\n") + "}\n" + tail,
		"many crons":             "job \"j\" {\n type = \"batch\"\n periodic {\n crons = [" + lines(9_900, "\"#-59/2,1,2,3,4,5,6 * * * *\",") + "]\n }\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config {\n image = \"a\"\n}\n}\n}\n}\n",
		"crons that never come":  "job \"j\" {\n type = \"batch\"\n periodic {\n crons = [" + rep("\"0 0 30 2 * 2099\",", 9_900) + "]\n }\n}\n",
		"many mounts":            "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n config {\n image = \"a\"\n" + lines(9_900, "mount {\n type = \"bind\"\n source = \"x\"\n target = \"/x#\"\n}\n") + "}\n}\n}\n}\n",
		"mistakes in one line":   "job \"j\" {\n group \"g\" {\n task \"t\" {\n driver = \"docker\"\n env = {" + lines(9_000, "a#=["+rep(" ", 100)+"],") + "}\n}\n}\n}\n",
		"references in a text":   inMeta(`"` + lines(9_900, "${attr.a#}") + `"`),
		"lines of a heredoc":     "locals {\n a = <<-EOF\n" + rep(" ", 700_000) + "x\n" + rep(" x\n", 200_000) + "EOF\n}\n" + tail,
		"signs of a text":        "locals {\n a = \"" + rep("$a", 300_000) + "\"\n}\n" + tail,
		"json signs of a text":   `{"locals": {"a": "` + rep("$a", 300_000) + `"}}`,
		"patterns in loops":      "locals {\n a = [for i in range(1000) : [for j in range(1000) : regex_replace(\"a\", \"(a{1,100}){1,9}\", \"x\")]]\n}\n" + tail,
		"digits to decode":       "locals {\n a = jsondecode(\"" + rep("9", 1_000_000) + "\")\n}\n" + tail,
		"yaml to decode":         "locals {\n a = yamldecode(\"[" + rep("1,", 300_000) + "]\")\n}\n" + tail,
		"exponents in texts":     "locals {\n" + lines(1000, "a# = \"1e9999999\" + 1\n") + "}\n" + tail,
		"exponents as arguments": "locals {\n" + lines(1000, "a# = abs(\"1e9999999\")\n") + "}\n" + tail,
		"exponents as counts":    "job \"j\" {\n" + lines(3000, "group \"g#\" {\n count = \"1e9999999\"\n}\n") + "}\n",
		"exponent as default":    "variable \"a\" {\n type = list(number)\n default = [\"1e9999999\"]\n}\n" + tail,
		"objects for all":        "variable \"a\" {\n type = list(any)\n default = [" + rep("{"+lines(100, "a#=1,")+"},", 700) + "]\n}\n" + tail,
		"json many templates":    `{"job": {"j": {"meta": {` + lines(9_900, `"a#": "`+rep("${1}", 14)+`",`) + `"z": ""}}}}`,
		"json many long ones":    `{"job": {"j": {"meta": {` + lines(1400, `"a#": "${attr`+rep(".a", 490)+`}",`) + `"z": ""}}}}`,
		"pattern of a replace":   "locals {\n a = replace(\"a\", \"/((ab){1,90}(cd){1,90}(ef){1,90}){1,10}/\", \"x\")\n}\n" + tail,
		"elements of a list":     "locals {\n a = [" + rep("1,", maxElements+1) + "]\n}\n" + tail,
		"names of a block":       "locals {\n" + lines(maxElements+1, "a# = 1\n") + "}\n" + tail,
		"names of an object":     "locals {\n a = {\n" + lines(maxElements+1, "a# : 1\n") + "}\n}\n" + tail,
		"parts of a text":        inMeta(`"` + rep("${1}", maxElements+1) + `"`),
		"blocks":                 "job \"j\" {\n" + rep("meta {\n}\n", maxBlocks) + "}\n",
		"json elements":          `{"job": {"j": {"datacenters": [` + rep(`"a",`, maxElements) + `"a"]}}}`,
		"json all objects":       `{"job": {"j": {"a": [` + rep("["+rep("{},", 4_000)+"{}],", 8) + `1]}}}`,
		"variable type":          "variable \"a\" {\n type = " + rep("list(", 20<<10) + "string" + rep(")", 20<<10) + "\n}\n" + tail,
		"optional defaults":      "variable \"a\" {\n type = object({ a = optional(string, " + rep("(", 20<<10) + ") })\n}\n" + tail,
	}
}

// TestGoldenHostile parses them all and shows the first answer to each: a panic, a stack that grows without end or a minute of work
// fails the test.
func TestGoldenHostile(t *testing.T) {
	var answers strings.Builder
	texts := hostile()
	all := true
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		src := texts[name]
		if racing && (len(src) > 20<<10 || name == "dynamic cubed" || name == "many bcrypts") {
			all = false
			continue // minutes of work for the race detector; scripts/test-json runs them without it
		}
		if !t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(src, "{") {
				src = strings.ReplaceAll(strings.ReplaceAll(src, "} }", "}\n }"), "} }", "}\n }")
			}
			start := time.Now()
			res, diags := Parse(ParseOptions{Source: []byte(src), Filename: "job"})
			if (res == nil) != diags.HasErrors() {
				t.Errorf("result %v, errors %v", res != nil, diags.HasErrors())
			}
			var b strings.Builder
			if err := diags.Render(&b, true); err != nil || b.Len() > 1<<20 {
				t.Errorf("%d bytes of diagnostics, %v", b.Len(), err)
			}
			answer := "accepted"
			if len(diags) > 0 {
				answer = diags[0].Summary
				if diags[0].Hint != "" {
					answer += " (" + diags[0].Hint + ")"
				}
			}
			fmt.Fprintf(&answers, "%s: %.300s\n", name, answer)
			t.Logf("%v, accepted %v, %d diagnostics", time.Since(start).Round(time.Millisecond), res != nil, len(diags))
		}) {
			all = false
		}
	}
	if all && strings.Count(answers.String(), "\n") == len(texts) {
		golden(t, "testdata/refused/hostile.golden", []byte(answers.String()))
	}
}

func first(ds Diagnostics) string {
	if len(ds) == 0 {
		return ""
	}
	return ds[0].Error()
}

// TestHostileJSON gives them to the decoder of the API's JSON.
func TestHostileJSON(t *testing.T) {
	texts := map[string]string{}
	for name, src := range hostile() {
		if strings.HasPrefix(name, "json") {
			texts[name] = src
		}
	}
	for name, src := range map[string]string{
		"depth":    `{"Job": ` + strings.Repeat(`{"Meta":`, 100<<10),
		"lists":    `{"TaskGroups": ` + strings.Repeat(`[`, 100<<10),
		"nulls":    `{"TaskGroups": [` + strings.Repeat(`null,`, 100<<10) + `null]}`,
		"groups":   `{"TaskGroups": [` + strings.Repeat(`{},`, 140<<10) + `{}]}`,
		"unknown":  `{` + strings.Repeat(`"Foo":1,`, 140<<10) + `"a":1}`,
		"again":    `{` + strings.Repeat(`"ID":"a",`, 140<<10) + `"ID":"a"}`,
		"quotes":   `{"ID": "` + strings.Repeat(`\"`, 500<<10) + `"}`,
		"escapes":  `{"ID": "` + strings.Repeat(`\\`, 500<<10) + `"}`,
		"number":   `{"Priority": 1e1000000000}`,
		"duration": `{"TaskGroups": [{"ShutdownDelay": 1e999999999}]}`,
	} {
		texts[name] = src
	}
	for name, src := range texts {
		if racing && len(src) > 20<<10 {
			continue // minutes of work for the race detector; scripts/test-json runs them without it
		}
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			job, diags := ParseJSON(ParseOptions{Filename: "job.json", Source: []byte(src)})
			if job != nil || !diags.HasErrors() {
				t.Error("accepted")
			}
			t.Logf("%v %.200q", time.Since(start).Round(time.Millisecond), first(diags))
		})
	}
}

// TestHostileValuesOfVariables gives such texts as values.
func TestHostileValuesOfVariables(t *testing.T) {
	src := []byte("variable \"a\" {\n type = list(string)\n}\nvariable \"b\" {\n type = number\n default = 1\n}\n" + tail)
	for name, opts := range map[string]ParseOptions{
		"flag":      {Vars: []string{"a=" + strings.Repeat("(", 100<<10)}},
		"number":    {Vars: []string{"a=[]", "b=1e999999999"}},
		"long":      {Vars: []string{"a=[]", "b=" + strings.Repeat("9", 1<<20)}},
		"file":      {VarFiles: []VarFile{{"v.hcl", []byte("a = " + strings.Repeat("[", 100<<10))}}},
		"json":      {VarFiles: []VarFile{{"v.json", []byte(`{"a": "${` + strings.Repeat("(", 100<<10) + `"}`)}}},
		"json deep": {VarFiles: []VarFile{{"v.json", []byte(strings.Repeat(`{"a":`, 100<<10))}}},
		"env":       {Env: map[string]string{"NOMAD_VAR_a": strings.Repeat("!", 100<<10)}},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Source = src
			start := time.Now()
			_, diags := Parse(opts)
			t.Logf("%v %.200q", time.Since(start).Round(time.Millisecond), first(diags))
			if name != "number" && !diags.HasErrors() {
				t.Error("accepted")
			}
		})
	}
}

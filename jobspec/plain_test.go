package jobspec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"berth/internal/testjob"
)

// TestPlainFilesAreRecognised: the short way is taken by most files people write.
func TestPlainFilesAreRecognised(t *testing.T) {
	files, _ := filepath.Glob("testdata/wild/*.hcl")
	taken := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if plain(src) {
			taken++
		}
	}
	if taken < len(files)*2/3 {
		t.Errorf("%d of %d", taken, len(files))
	}
	if !plain(testjob.Generated(1 << 20)) {
		t.Error("what programs write is not plain")
	}
}

func TestPlainRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"nested":              "a = " + strings.Repeat("(", 200) + strings.Repeat(")", 200),
		"nested over lines":   "a = " + strings.Repeat("[\n", 0) + strings.Repeat("f(\n", 100) + strings.Repeat(")\n", 100),
		"indexes":             "a = b[0][0]",
		"indexes over lines":  "a = (b\n[0]\n[0])",
		"prefixes":            "a = ---1",
		"operators":           "a = 1 + 1",
		"conditional":         "a = b ? 1 : 2",
		"text that goes on":   "a = \"x\nb = 1\"",
		"template in text":    `a = "${"${b}"}"`,
		"directive":           `a = "%{if b}x%{endif}"`,
		"escape of a dollar":  `a = "$${b}"`,
		"heredoc within one":  "a = <<EOF\n${\n<<EOF\nEOF\n}\nEOF\n",
		"marker in a heredoc": "a = <<EOF\n EOF x\nEOF\n",
		"comment over lines":  "/* a\n*/",
		"for":                 "a = [for b in c : b]",
		"open":                "a {",
		"close":               "}",
		"long number":         "a = " + strings.Repeat("1", 2000),
		"exponent":            "a = 1e999999",
		"traversal":           "a = b" + strings.Repeat(".c", 2000),
		"bytes":               "a = \u2028",
		"blocks":              strings.Repeat("a {\n}\n", maxBlocks+1),
		"elements":            "a = [" + strings.Repeat("1,", maxElements+1) + "]",
		"names":               strings.Repeat("a = 1\n", maxElements+1),
		"references":          "a = \"" + strings.Repeat("${b}", maxElements+1) + "\"",
		"lines":               "a = <<EOF\n" + strings.Repeat("b\n", maxElements+1) + "EOF\n",
	} {
		if plain([]byte(src)) {
			t.Errorf("%s is plain", name)
		}
	}
}

// FuzzPlain checks the promise: what is plain passes the exact check too.
func FuzzPlain(f *testing.F) {
	for _, pattern := range []string{"testdata/wild/*.hcl", "testdata/refused/*.hcl", "testdata/accepted/*.hcl", "../examples/*.hcl"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if src, err := os.ReadFile(name); err == nil {
				f.Add(src)
			}
		}
	}
	f.Add([]byte("a = <<-EOF\n  ${b.c}\n  EOF\nb = f(1, [-2], { c : \"d\" })"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var p plainScan
		if len(src) > 20_000 || !utf8.Valid(src) || !p.whole(src) {
			return
		}
		tokens, _ := hclsyntax.LexConfig(src, "job.hcl", hcl.InitialPos)
		if len(tokens) > 2*p.tokens+2 {
			t.Fatalf("%d tokens, counted %d", len(tokens), p.tokens)
		}
		rep := newReport()
		if !scanTokens(rep, tokens, &scanned{}) {
			t.Fatalf("not passed: %v", rep.sorted().Err())
		}
		depth, most := 0, 0
		for _, tok := range tokens {
			switch tok.Type {
			case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
				depth++
			case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
				depth--
			case hclsyntax.TokenTemplateControl:
				t.Fatal("a directive")
			}
			most = max(most, depth)
		}
		if most > maxNesting {
			t.Fatalf("%d levels", most)
		}
	})
}

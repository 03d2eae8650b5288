// Command gen writes the reference of the job language and its JSON Schema below the directory it is given.
//
// It owns nothing: the text comes from package jobspec's table. Only go generate calls it.
package main

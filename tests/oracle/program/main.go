// The oracle of plan/cron: robfig/cron v3 as kube-controller-manager and the API server call it.
// Started by tests/oracle/__init__.py; one request a line on stdin, one answer a line on stdout:
//
//	next <TAB> zone <TAB> start (Unix seconds) <TAB> n <TAB> schedule  ->  n due times, each after the one before, 0 for none
//	parse <TAB> schedule  ->  ok, or why not (robfig's error, or the API's own check)
//	zone <TAB> name  ->  ok, or why not
//	offset <TAB> zone <TAB> instants...  ->  the zone's offsets in seconds
//
// Zone data: ZONEINFO in the environment names the directory that Python reads, so that only algorithms can differ.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	defer out.Flush()
	for in.Scan() {
		fmt.Fprintln(out, answer(strings.Split(in.Text(), "\t")))
	}
}

func answer(request []string) string {
	switch request[0] {
	case "next":
		n, _ := strconv.Atoi(request[3])
		return next(request[1], number(request[2]), n, request[4])
	case "parse":
		schedule, err := strconv.Unquote(request[1])
		if err != nil {
			return "bad request: " + err.Error()
		}
		return parse(schedule)
	case "zone":
		return zone(request[1])
	case "offset":
		return offsets(request[1], request[2:])
	}
	return "bad request"
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// next steps as the CronJob controller does: "TZ=zone schedule", from an instant in UTC.
func next(zone string, start int64, n int, schedule string) string {
	parsed, err := cron.ParseStandard("TZ=" + zone + " " + schedule)
	if err != nil {
		return "error: " + err.Error()
	}
	t := time.Unix(start, 0).UTC()
	due := make([]string, 0, n)
	for range n {
		if t = parsed.Next(t); t.IsZero() {
			due = append(due, "0")
			break
		}
		due = append(due, strconv.FormatInt(t.Unix(), 10))
	}
	return strings.Join(due, " ")
}

// parse is validateScheduleFormat of pkg/apis/batch/validation for a new CronJob.
func parse(schedule string) (verdict string) {
	defer func() {
		if r := recover(); r != nil {
			verdict = fmt.Sprint("panic: ", r)
		}
	}()
	if schedule == "" {
		return "required"
	}
	if _, err := cron.ParseStandard(schedule); err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), "\n", " ")
	}
	if strings.Contains(schedule, "TZ") {
		return "TZ"
	}
	return "ok"
}

var validTimeZoneCharacters = regexp.MustCompile(`^[A-Za-z\.\-_0-9+]{1,14}$`)

// zone is validateTimeZone of pkg/apis/batch/validation.
func zone(name string) string {
	for _, part := range strings.Split(name, "/") {
		if part == "." || part == ".." || strings.HasPrefix(part, "-") || !validTimeZoneCharacters.MatchString(part) {
			return "unknown time zone"
		}
	}
	if strings.EqualFold(name, "Local") {
		return "not explicit"
	}
	if _, err := time.LoadLocation(name); err != nil {
		return "error: " + err.Error()
	}
	return "ok"
}

func offsets(name string, instants []string) string {
	location, err := time.LoadLocation(name)
	if err != nil {
		return "error: " + err.Error()
	}
	found := make([]string, len(instants))
	for i, instant := range instants {
		_, offset := time.Unix(number(instant), 0).In(location).Zone()
		found[i] = strconv.Itoa(offset)
	}
	return strings.Join(found, " ")
}

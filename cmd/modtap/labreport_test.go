package main

import "strings"

// A labReport is what is read of the JSON.
type labReport struct {
	Wall       float64 `json:"wall_ms"`
	Accounting struct {
		Buckets []struct {
			Name string  `json:"name"`
			MS   float64 `json:"ms"`
		} `json:"buckets"`
	} `json:"accounting"`
	Findings []struct {
		ID       string  `json:"id"`
		Severity string  `json:"severity"`
		Title    string  `json:"title"`
		Cost     float64 `json:"cost_ms"`
		Evidence []int   `json:"evidence"`
		Remedy   struct {
			Text     string   `json:"text"`
			Commands []string `json:"commands"`
		} `json:"remedy"`
	} `json:"findings"`
	Predictions []struct {
		ID    string  `json:"id"`
		Wall  float64 `json:"wall_ms"`
		Saves float64 `json:"saves_ms"`
		Sure  string  `json:"sure"`
	} `json:"what_if"`
}

// bucket is the time in a bucket, in milliseconds.
func (r *labReport) bucket(name string) float64 {
	for _, b := range r.Accounting.Buckets {
		if b.Name == name {
			return b.MS
		}
	}
	return 0
}

// cost is that of the finding with an id, in milliseconds; false: there is none.
func (r *labReport) cost(id string) (float64, bool) {
	for _, f := range r.Findings {
		if f.ID == id {
			return f.Cost, true
		}
	}
	return 0, false
}

// ids lists the findings as the table has them: "slow-404!" is bad, "(doubled-4xx)" is info.
func (r *labReport) ids() string {
	var out []string
	for _, f := range r.Findings {
		switch f.Severity {
		case "bad":
			out = append(out, f.ID+"!")
		case "warn":
			out = append(out, f.ID)
		default:
			out = append(out, "("+f.ID+")")
		}
	}
	return strings.Join(out, " ")
}

// blames reports whether the report says what the scenario is about: its id comes first,
// or is the only one that is bad.
func (r *labReport) blames(id string) bool {
	if len(r.Findings) > 0 && r.Findings[0].ID == id {
		return true
	}
	var bad []string
	for _, f := range r.Findings {
		if f.Severity == "bad" {
			bad = append(bad, f.ID)
		}
	}
	return len(bad) == 1 && bad[0] == id
}

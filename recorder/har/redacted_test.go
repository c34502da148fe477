package har

import (
	"encoding/json"
	"os"
	"testing"

	"modtap/recorder"
)

// TestRedactedBody: sizes are those of the wire, but for the decoded length of a body
// that was compressed there, which only the text itself tells.
func TestRedactedBody(t *testing.T) {
	for _, tt := range []struct {
		coding string
		want   int64 // content.size
	}{{"", 99}, {"gzip", 8}} {
		x := reused(1)
		x.Response.Header = []recorder.Header{{Name: "Content-Encoding", Value: tt.coding}}
		x.Response.Body, x.Response.BodySize, x.Response.Redacted = []byte("REDACTED"), 99, true
		path := record(t, Options{Redacted: true}, recorder.Event{Exchange: x})
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Log struct {
				Entries []struct {
					Response struct {
						BodySize int64
						Content  struct{ Size int64 }
					}
				}
			}
		}
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		if r := file.Log.Entries[0].Response; r.BodySize != 99 || r.Content.Size != tt.want {
			t.Errorf("Content-Encoding %q: bodySize %d, content.size %d, want 99 and %d", tt.coding, r.BodySize, r.Content.Size, tt.want)
		}
		rec, err := Open(path)
		if err != nil || !rec.Exchanges[0].Response.Redacted || rec.Exchanges[0].Response.BodySize != 99 {
			t.Errorf("read back: %+v, %v", rec.Exchanges[0].Response, err)
		}
	}
}

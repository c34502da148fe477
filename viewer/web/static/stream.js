// The websocket: protocol modtap/1 with reconnecting. It knows the store only by its
// methods hello and apply.

const PROTOCOL = "modtap/1";
const RETRY = [300, 1000, 2000, 5000]; // ms; then the last again and again

export class Stream {
  // say is told how the connection is: connecting, open, complete, broken, denied, foreign, gone.
  // recording is that of state.js's source.
  constructor(store, recording, say) {
    this.store = store;
    this.recording = recording;
    this.say = say;
    this.since = 0;
    this.stale = false; // events were lost and no snapshot has come yet
    this.tries = 0;
    this.session = null;
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = new URLSearchParams({ brief: 1 }); // details ask for the headers of the one they show
    if (this.since > 0) query.set("since", this.since);
    if (this.recording) query.set("recording", this.recording);
    const socket = new WebSocket(`${scheme}//${location.host}/events?${query}`);
    this.socket = socket;
    const resumed = this.since > 0;
    let greeted = false;
    socket.onmessage = ({ data }) => {
      if (this.stopped) return;
      const frame = JSON.parse(data);
      if (greeted) {
        this.take(socket, frame);
        return;
      }
      greeted = true;
      this.greet(socket, frame, resumed);
    };
    socket.onclose = ({ code }) => this.closed(code, greeted);
  }

  greet(socket, hello, resumed) {
    if (hello.protocol !== PROTOCOL) {
      this.foreign = true;
      this.say("foreign", hello.protocol);
      socket.close();
      return;
    }
    this.tries = 0;
    const id = hello.session?.id;
    const other = this.session !== null && id !== undefined && this.session !== id;
    this.session = id ?? this.session;
    this.store.hello(hello);
    this.say("open");
    if (resumed && other) socket.send('{"snapshot":true}'); // the number was of another session
  }

  take(socket, frame) {
    for (const e of frame.events) {
      if (e.session) this.session = e.session.id;
    }
    if (!this.store.apply(frame)) {
      this.stale = true;
      socket.send('{"snapshot":true}');
    }
    if (frame.snapshot) this.stale = false;
    this.since = this.stale ? 0 : frame.seq; // what is stale is not worth resuming from
  }

  // stop leaves the stream for good, for another one.
  stop() {
    this.stopped = true;
    this.socket?.close();
  }

  async closed(code, greeted) {
    if (this.foreign || this.stopped) return;
    if (code === 1000) {
      this.say("complete");
      return;
    }
    if (!greeted && (await denied())) {
      this.say("denied");
      return;
    }
    if (!greeted && this.recording && (await gone(this.recording))) {
      if (!this.stopped) this.say("gone");
      return;
    }
    this.say("broken");
    const wait = RETRY[Math.min(this.tries++, RETRY.length - 1)];
    setTimeout(() => { if (!this.stopped) this.open(); }, wait);
  }
}

// gone asks whether modtap has let a recording go that was dropped here: it keeps a few.
async function gone(recording) {
  try {
    return (await fetch(`/api/recording?${new URLSearchParams({ recording })}`)).status === 404;
  } catch {
    return false;
  }
}

// denied asks why a websocket did not open, which the browser does not tell.
async function denied() {
  try {
    return (await fetch("/", { method: "HEAD" })).status === 403;
  } catch {
    return false;
  }
}

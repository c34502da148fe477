// The websocket: protocol modtap/1 with reconnecting. It knows the store only by its
// methods hello and apply.

const PROTOCOL = "modtap/1";
const RETRY = [300, 1000, 2000, 5000]; // ms; then the last again and again

export class Stream {
  // say is told how the connection is: connecting, open, complete, broken, denied, foreign.
  constructor(store, say) {
    this.store = store;
    this.say = say;
    this.since = 0;
    this.stale = false; // events were lost and no snapshot has come yet
    this.tries = 0;
    this.session = null;
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = this.since > 0 ? `?since=${this.since}` : "";
    const socket = new WebSocket(`${scheme}//${location.host}/events${query}`);
    const resumed = this.since > 0;
    let greeted = false;
    socket.onmessage = ({ data }) => {
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

  async closed(code, greeted) {
    if (this.foreign) return;
    if (code === 1000) {
      this.say("complete");
      return;
    }
    if (!greeted && (await denied())) {
      this.say("denied");
      return;
    }
    this.say("broken");
    const wait = RETRY[Math.min(this.tries++, RETRY.length - 1)];
    setTimeout(() => this.open(), wait);
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

// Work in slices: what goes through a hundred thousand rows must not hold up a frame.

const SLICE = 8; // ms
const running = new Map(); // name to its token

const breath = () => new Promise((go) => {
  const { port1, port2 } = new MessageChannel(); // setTimeout would wait 4 ms each time
  port1.onmessage = () => { port1.close(); go(); };
  port2.postMessage(null);
});

// job runs a generator function until it returns, in slices that end at a yield once 8 ms
// have passed; yield often. It resolves with what the generator returns, or with
// undefined when a newer job of the same name took its place.
export async function job(name, work) {
  const token = {};
  running.set(name, token);
  const it = work();
  for (;;) {
    const until = performance.now() + SLICE;
    do {
      const { done, value } = it.next();
      if (done) {
        if (running.get(name) === token) running.delete(name);
        return value;
      }
    } while (performance.now() < until);
    await breath();
    if (running.get(name) !== token) return undefined;
  }
}

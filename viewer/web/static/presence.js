// Tells modtap that the page is open, for as long as it is: modtap run --view and modtap
// view end when the last page has been closed. The stream of events cannot tell that, as it
// ends with the session.

const AGAIN = 1000; // ms until the next attempt, when modtap was not reached

// stayPresent opens the websocket that says so, and opens it again when it breaks. modtap
// says that it ends by 1001, and then nobody counts any more.
export function stayPresent() {
  const url = new URL("/api/presence", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let tries = 0;
  const open = () => {
    const socket = new WebSocket(url);
    socket.onopen = () => { tries = 0; };
    socket.onclose = (e) => {
      if (e.code !== 1001 && ++tries < 5) setTimeout(open, AGAIN);
    };
  };
  open();
}

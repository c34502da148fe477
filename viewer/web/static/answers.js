// Answers of the server.

// reason is why there is nothing else: what {"error":TEXT} says, or the first line.
export function reason(text) {
  try {
    const { error } = JSON.parse(text);
    if (typeof error === "string") return error.slice(0, 300);
  } catch { /* a plain line */ }
  return text.trim().split("\n")[0].slice(0, 300);
}

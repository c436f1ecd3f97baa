// Requests to the server.
import { cover, notice } from "./messages.js";
import { about, page } from "./page.js";

export const RETRY_MS = 1000;

const lost = (body) => (body ? " What you sent last was not saved." : "");

async function request(path, body) {
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: body ? { "Content-Type": "application/json", "X-Page-Token": about.pageToken } : {},
    body: body && JSON.stringify(body),
  });
  const content = await response.json();
  if (response.status === 401 || response.status === 403) {
    page.stopped = true;
    cover("Open your link again", content.error + lost(body));
    throw new Error("refused");
  }
  // Sent again, it would be refused again: the page is older than the server's
  if (response.status >= 400 && response.status < 500 && response.status !== 409) {
    page.stopped = true;
    cover("Reload the page", content.error + lost(body));
    throw new Error("refused");
  }
  if (response.status === 503) throw new Error(content.error, { cause: "busy" });
  if (response.status >= 500) throw new Error(content.error);
  return content;
}

// Repeats a request until the server answers. An answer keeps its token, so that it is written once
// however often it is sent.
export async function insist(path, body) {
  for (;;) {
    try {
      const content = await request(path, body);
      notice("");
      return content;
    } catch (error) {
      if (page.stopped) throw error;
      const why = error.cause === "busy" ? error.message : "The server does not respond.";
      notice(`${why} Trying again; no answer is lost.`, true);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

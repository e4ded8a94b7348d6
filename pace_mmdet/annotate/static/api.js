// Talking to the server.

/** What the server refused (its status), or could not be asked (status 0). */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status >= 500;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(0, 'the server does not answer');
  }
  let content;
  try {
    content = await response.json();
  } catch {
    throw new ApiError(response.ok ? 0 : response.status,
      'the server\'s answer was cut off');
  }
  if (!response.ok) throw new ApiError(response.status, content.error);
  return content;
}

export const get = (path) => ask(path, {});

export const post = (path, body, options = {}) => ask(path, {
  ...options,
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

/** A name that no other page makes; crypto.randomUUID needs HTTPS. */
export function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

import { autofill, create, get, signal, supported } from "./webauthn.js";

// Each form with data-ceremony runs one WebAuthn ceremony: it asks the site for
// options, the authenticator for a credential, and posts that back.

async function call(url, body, abort) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    redirect: "error",
    signal: abort,
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || "That did not work. Try again.");
  return answer;
}

// begin asks for the options of a form's ceremony.
const begin = (form, username) => async (abort) =>
  (await call(form.dataset.begin, username ? { username } : {}, abort)).publicKey;

async function finish(form, credential) {
  await call(form.dataset.finish, credential);
  location.assign("/");
}

function explain(error, form) {
  switch (error.name) {
    case "NotAllowedError": return "No passkey was used. Try again.";
    case "InvalidStateError": return form.dataset.ceremony === "create" ? "This device has a passkey for you already." : "That did not work. Try again.";
    case "SecurityError": return "Passkeys do not work at this address. Open http://localhost instead.";
    case "Error": return error.message;
  }
  return "That did not work. Try again.";
}

function say(form, text) {
  const message = form.querySelector("[role=alert]");
  message.textContent = text;
  message.hidden = !text;
}

// offer lets the username field's autofill sign in.
async function offer() {
  const form = document.querySelector("form[data-autofill]");
  if (!form) return;
  try {
    const credential = await autofill(begin(form));
    if (credential) await finish(form, credential);
  } catch (error) {
    if (error.name === "Error") say(form, error.message); // else nobody chose one
  }
}

for (const form of document.querySelectorAll("form[data-ceremony]")) {
  const button = form.querySelector("button[type=submit]");
  if (!supported) {
    say(form, "This browser does not know passkeys.");
    continue;
  }
  const run = form.dataset.ceremony === "create" ? create : get;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(form, "");
    button.disabled = true;
    try {
      await finish(form, await run(begin(form, form.elements.username?.value)));
    } catch (error) {
      say(form, explain(error, form));
      button.disabled = false;
      button.focus();
      offer();
    }
  });
  button.disabled = false; // until here a press would send the form
}

const { signals } = document.querySelector("[data-signals]")?.dataset ?? {};
if (signals) signal(JSON.parse(signals));

offer();

"use strict";
// One passkey ceremony: ask the portal for a challenge, the authenticator for
// an answer, and the portal where to go on.
(() => {
  const box = document.querySelector("[data-begin]");
  const button = box.querySelector("button");
  const problem = box.querySelector("[role=alert]");
  const { begin, finish, flow, create, autofill } = box.dataset;
  box.hidden = false;
  let waiting; // the autofill request, which a press of the button ends

  function say(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  async function call(url, body) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
    });
    const answer = await response.json().catch(() => ({}));
    if (answer.next) {
      const next = new URL(answer.next, location.href);
      if (next.origin === location.origin) location.assign(next);
      return null;
    }
    if (!response.ok || answer.problem) throw new Error(answer.problem || "That did not work. Try again.");
    return answer;
  }

  async function ceremony(extra) {
    const asked = call(begin, { flow, ...(extra.mediation && { autofill: true }) });
    // Nobody has asked for autofill: without a challenge there is none.
    const options = await (extra.mediation ? asked.catch(() => null) : asked);
    if (!options) return;
    const credential = create
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey), ...extra })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey), ...extra });
    const name = box.querySelector("[name=name]");
    const remember = box.querySelector("[name=remember]");
    await call(finish, {
      flow, id: options.id, credential: credential.toJSON(),
      ...(name && { name: name.value }), ...(remember && { remember: remember.checked }),
    });
  }

  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) {
    button.disabled = true;
    say("This browser does not know passkeys.");
    return;
  }

  button.addEventListener("click", async () => {
    say("");
    if (waiting) waiting.abort();
    button.disabled = true;
    try {
      await ceremony({});
    } catch (e) {
      say(e.name === "NotAllowedError" ? "No passkey was used. Try again, or choose another way."
        : e.name === "InvalidStateError" ? "That authenticator is registered already." : e.message);
    }
    button.disabled = false;
  });

  if (autofill) (async () => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.()) || button.disabled) return; // pressed meanwhile
    waiting = new AbortController();
    await ceremony({ mediation: "conditional", signal: waiting.signal });
  })().catch((e) => { if (e.name !== "AbortError" && e.name !== "NotAllowedError") say(e.message); });
})();

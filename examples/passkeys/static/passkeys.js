"use strict";
// Each form with data-ceremony runs one WebAuthn ceremony: it asks the site for
// options, the authenticator for a credential, and posts that back. The browser
// does all encoding.
(() => {
  let waiting; // the autofill request, which any other ceremony ends

  async function call(url, body) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.error || "That did not work. Try again.");
    return answer;
  }

  async function ceremony(form, extra) {
    const username = form.elements.username ? form.elements.username.value : "";
    const body = username && !extra.mediation ? { username } : {};
    const { publicKey } = await call(form.dataset.begin, body);
    const credential = form.dataset.ceremony === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey), ...extra })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey), ...extra });
    await call(form.dataset.finish, credential.toJSON());
    location.assign("/");
  }

  function explain(error, create) {
    switch (error.name) {
      case "NotAllowedError": return "No passkey was used. Try again.";
      case "InvalidStateError": return create ? "This device has a passkey for you already." : "That did not work. Try again.";
      case "SecurityError": return "Passkeys do not work at this address. Open http://localhost instead.";
      case "Error": return error.message;
    }
    return "That did not work. Try again.";
  }

  const forms = document.querySelectorAll("form[data-ceremony]");
  const usable = window.PublicKeyCredential && PublicKeyCredential.parseCreationOptionsFromJSON;
  for (const form of forms) {
    const button = form.querySelector("button[type=submit]");
    const message = form.querySelector("[role=alert]");
    const say = (text) => {
      message.textContent = text;
      message.hidden = !text;
    };
    if (!usable) {
      button.disabled = true;
      say("This browser does not know passkeys.");
      continue;
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (waiting) waiting.abort();
      say("");
      button.disabled = true;
      try {
        await ceremony(form, {});
      } catch (error) {
        say(explain(error, form.dataset.ceremony === "create"));
        button.disabled = false;
        button.focus();
      }
    });
  }

  // Tell the password manager which passkeys there still are.
  const account = document.querySelector("[data-signals]");
  if (account && account.dataset.signals && window.PublicKeyCredential && PublicKeyCredential.signalAllAcceptedCredentials) {
    const { accepted, details } = JSON.parse(account.dataset.signals);
    PublicKeyCredential.signalAllAcceptedCredentials(accepted).catch(() => {});
    PublicKeyCredential.signalCurrentUserDetails(details).catch(() => {});
  }

  // Offer passkeys in the autofill of the username field.
  const autofill = document.querySelector("form[data-autofill]");
  if (usable && autofill && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((available) => {
      if (!available) return;
      waiting = new AbortController();
      ceremony(autofill, { mediation: "conditional", signal: waiting.signal }).catch((error) => {
        if (error.name !== "Error") return; // nothing was chosen, or the button was pressed
        const message = autofill.querySelector("[role=alert]");
        message.textContent = error.message;
        message.hidden = false;
      });
    });
  }
})();

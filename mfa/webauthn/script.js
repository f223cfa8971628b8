// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// The browser's side of the ceremonies, for pages of any kind: a module without
// transport, texts or markup. Each ceremony takes a function that asks the
// server for a challenge and returns its options as JSON (a challenge's public),
// and returns the JSON to post as the answer:
//
//   import { create, get, autofill } from "/webauthn.js";
//   const answer = await get(async () => (challenge = await post("/challenge", ...)).public);
//
// The browser's exceptions pass through. By name: NotAllowedError, nobody
// answered or the person declined; InvalidStateError from create, this
// authenticator has a credential of the person's already; SecurityError, the page
// is not at the RP ID; NotSupportedError, no authenticator has such keys.

// supported is whether the browser knows WebAuthn and its JSON forms.
export const supported = Boolean(globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON);

let pressed = 0; // ceremonies that a person has begun and not ended
let waiting; // ends the autofill request: a browser runs one ceremony at a time

// create makes a credential, at the press of a button.
export function create(begin) {
  return press(begin, (options) => navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
  }));
}

// get signs in or confirms, at the press of a button.
export function get(begin) {
  return press(begin, (options) => navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
  }));
}

async function press(begin, ceremony) {
  pressed++;
  waiting?.abort(); // before begin: the server's newest challenge must be this one's
  try {
    return (await ceremony(await begin())).toJSON();
  } finally {
    pressed--;
  }
}

// autofill offers passkeys in the page's <input autocomplete="username webauthn">
// and waits until one is chosen. Before a challenge ends it begins another. It
// returns null where the browser cannot, and when a button is pressed or autofill
// is called again: call it when the page opens, and after a ceremony that failed.
// begin is given an AbortSignal for fetch.
export async function autofill(begin) {
  if (!supported || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return null;
  const expired = new Error("the challenge has ended");
  waiting?.abort();
  while (!pressed) {
    const mine = waiting = new AbortController();
    let timer;
    try {
      const options = await begin(mine.signal);
      if (options.timeout) timer = setTimeout(() => mine.abort(expired), options.timeout);
      const credential = await navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
        mediation: "conditional",
        signal: mine.signal,
      });
      return credential.toJSON();
    } catch (error) {
      if (!mine.signal.aborted) throw error;
      if (mine.signal.reason !== expired) return null;
    } finally {
      clearTimeout(timer);
    }
  }
  return null;
}

// signal tells password managers what has changed: what Factor.Signals returns,
// and as unknown what Factor.SignalUnknown does. Nothing is known of the effect.
export function signal({ accepted, details, unknown }) {
  const tell = (method, what) => what && globalThis.PublicKeyCredential?.[method]?.(what).catch(() => {});
  tell("signalAllAcceptedCredentials", accepted);
  tell("signalCurrentUserDetails", details);
  tell("signalUnknownCredential", unknown);
}

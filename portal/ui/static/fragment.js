// AWS's form of a deep link keeps its parameters in the fragment, which no
// server sees: pass them on as a query.
"use strict";
if (location.hash.startsWith("#/console?")) {
  location.replace(document.body.dataset.console + location.hash.slice("#/console".length));
}

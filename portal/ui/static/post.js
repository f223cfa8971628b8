// Send the one form of a page that only carries a message onwards.
"use strict";
document.querySelector("form[data-post]").submit();

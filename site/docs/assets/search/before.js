// Material's bundle opens its own search of the site's pages for an address with ?q=. On this page the question is for the papers:
// it is taken out of the address before that script runs, and put back by page.js.
window.searchAsked = location.search;
history.replaceState(history.state, "", location.pathname);

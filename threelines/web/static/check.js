"use strict";
/* The check page works without this file. It adds: Escape twice to leave, reading aloud, no trace in "back". */
(function () {
  var leave = document.getElementById("leave");
  function go() {
    document.body.textContent = "";
    window.location.replace(leave.href);
  }
  leave.addEventListener("click", function (event) { event.preventDefault(); go(); });
  var last = 0;
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    var now = Date.now();
    if (now - last < 1500) { go(); }
    last = now;
  });
  var aloud = document.getElementById("aloud");
  if (aloud && "speechSynthesis" in window) {
    aloud.hidden = false;
    aloud.addEventListener("click", function () {
      if (window.speechSynthesis.speaking) { window.speechSynthesis.cancel(); return; }
      var words = new SpeechSynthesisUtterance(document.getElementById("answer").innerText);
      words.lang = document.documentElement.lang;
      window.speechSynthesis.speak(words);
    });
  }
  var result = document.getElementById("result");
  if (result) { result.focus(); }
})();

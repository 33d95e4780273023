// Before the first paint: the theme and the language that the user has chosen, so that neither flashes.
(function () {
  try {
    var theme = localStorage.getItem('kachi.theme');
    var language = localStorage.getItem('kachi.language');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    if (language === 'ko' || language === 'en') document.documentElement.lang = language;
  } catch (e) {
    // Storage is switched off: the system's theme it is.
  }
})();

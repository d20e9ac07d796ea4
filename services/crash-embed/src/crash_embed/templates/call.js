var endpoint = /**/{{ endpoint }};/**/
var given = /**/{{ given }};/**/
show(endpoint, Object.assign(strings, given.strings), Object.assign(options, given.options));
})(window, document);


var endpoint = /**/{{ endpoint }};/**/
var strings = /**/{{ strings }};/**/
var options = /**/{{ options }};/**/
show(endpoint, strings, options);
})(window, document);

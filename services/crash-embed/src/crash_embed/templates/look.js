
var strings = /**/{{ strings }};/**/
var options = /**/{{ options }};/**/

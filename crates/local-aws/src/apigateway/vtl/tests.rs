//! Templates over one request.

use serde_json::{Map, Value as Json, json};

use super::{Body, Failure, Inputs, Overrides, Parameters, Template};

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

fn outcome(template: &str, body: &str, overrides: &mut Overrides) -> Result<String, Failure> {
    let parameters = Parameters {
        path: [("id".to_owned(), "7".to_owned())].into(),
        query: [
            ("id".to_owned(), "8".to_owned()),
            ("q".to_owned(), "x y".to_owned()),
        ]
        .into(),
        header: [("X-Own".to_owned(), "h".to_owned())].into(),
    };
    let inputs = Inputs {
        body: &Body::new(body),
        parameters: &parameters,
        context: &object(json!({
            "stage": "Prod", "identity": { "sourceIp": "127.0.0.1", "user": null },
        })),
        stage_variables: &object(json!({ "colour": "red" })),
    };
    Template::parse(template)?.render(&inputs, overrides)
}

#[track_caller]
fn check(template: &str, expected: &str) {
    check_over("{\"a\":1}", template, expected);
}

#[track_caller]
fn check_over(body: &str, template: &str, expected: &str) {
    let rendered = outcome(template, body, &mut Overrides::default());
    assert_eq!(rendered.as_deref(), Ok(expected), "{template}");
}

#[track_caller]
fn fails(template: &str) {
    let rendered = outcome(template, "{}", &mut Overrides::default());
    assert!(rendered.is_err(), "{template}: {rendered:?}");
}

#[test]
fn text_is_kept() {
    check("plain $5 #1 # $ #x a\\b", "plain $5 #1 # $ #x a\\b");
    check("#[[ $a #if ]]# after", " $a #if  after");
    check("a ## comment\nb #* more\n $x *# c", "a b  c");
}

#[test]
fn undefined_references_are_as_written() {
    check("$none ${none} $!none! $!{none.x}.", "$none ${none} ! .");
    check("$none.call('x')[0]", "$none.call('x')[0]");
    check("\\$none \\\\$none", "\\$none \\\\$none");
    check("#set($x = 'v')\\$x \\\\$x \\\\\\$x", "$x \\v \\$x");
    check("#set($x = 1)\\#set($x = 2)$x", "#set(1 = 2)1");
}

#[test]
fn what_leads_to_nothing_is_empty() {
    check(
        "#set($r = $input.path('$.gone'))[$r][$r.nested]#if($r == $null)null#end#if($r == '')empty#end",
        "[][]nullempty",
    );
    check(
        "$context.authorizer.principalId|$context.identity.user|",
        "||",
    );
    check("$input.body.attribute|", "|");
}

#[test]
fn directives_take_their_lines() {
    check("  #set($a = 1)  \nx", "x");
    check("{\n#if(true)\n  a\n#else\n  b\n#end\n}", "{\n  a\n}");
    check("#foreach($i in [1..3])\n$i,\n#end\nend", "1,\n2,\n3,\nend");
    check("#if(false)a#{else}b#end", "b");
    check("#if(false)1#elseif($none)2#elseif(1 == 1)3#else 4#end", "3");
}

#[test]
fn expressions_are_computed() {
    for (expression, expected) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2", "3"),
        ("7 % 4", "3"),
        ("7.0 / 2", "3.5"),
        ("1 - -1", "2"),
        ("1 / 0", ""),
        ("9223372036854775807 + 1", ""),
        ("'a' + 1", "a1"),
        ("1.0", "1.0"),
        ("12345678.0 * 10", "1.2345678E8"),
        ("!true", "false"),
        ("not false and true", "true"),
        ("1 lt 2 && 2 ge 2", "true"),
        ("1 == 1.0", "true"),
        ("'1' == 1", "true"),
        ("'a' ne 'b'", "true"),
        ("[1, 'a', [true]]", "[1, a, [true]]"),
        ("{'k': 1, \"l\": {'m': []}}", "{k=1, l={m=[]}}"),
        ("[3..1]", "[3, 2, 1]"),
        ("\"say \"\"$input.params('q')\"\"\"", "say \"x y\""),
        ("'it''s $none'", "it's $none"),
        ("null", ""),
    ] {
        check(&format!("#set($x = {expression})$x"), expected);
    }
}

#[test]
fn loops_know_where_they_are() {
    check(
        "#foreach($i in ['a','b'])$foreach.index$foreach.count$velocityCount$i$foreach.first$foreach.last#if($foreach.hasNext),#end#end",
        "011atruefalse,122bfalsetrue",
    );
    check("#foreach($i in [1..9])#if($i == 3)#break#end$i#end.", "12.");
    check("a#stop b", "a");
    check("#foreach($v in {'a': 1, 'b': 2})$v#end", "12");
    check(
        "#set($i = 'before')#foreach($i in [1])#foreach($j in [1,2])$foreach.parent.index$foreach.index#end#end$i",
        "0001before",
    );
    check("#foreach($i in [1..2000])#set($n = $i)#end$n", "1000");
}

#[test]
fn values_have_javas_methods() {
    for (expression, expected) in [
        ("$s.length()", "11"),
        ("$s.toUpperCase().substring(6)", "WORLD"),
        ("$s.substring(0, 5)", "hello"),
        ("$s.substring(50)", ""),
        ("$s.replace('l', 'L')", "heLLo worLd"),
        ("$s.replaceAll('(o)', '<$1>')", "hell<o> w<o>rld"),
        ("$s.replaceAll('[', 'x')", ""),
        ("$s.split(' ')[1]", "world"),
        ("$s.split(' ').size()", "2"),
        ("$s.indexOf('o')", "4"),
        ("$s.indexOf('z')", "-1"),
        ("$s.lastIndexOf('o')", "7"),
        ("$s.contains('wor')", "true"),
        ("$s.startsWith('he') && $s.endsWith('ld')", "true"),
        ("$s.matches('h.*d')", "true"),
        ("$s.matches('h')", "false"),
        ("$s.equals('hello world')", "true"),
        ("$s.concat('!').trim()", "hello world!"),
        ("$s.isEmpty()", "false"),
        ("$s.charAt(1)", "e"),
        ("$l.size()", "2"),
        ("$l.get(0)", "1"),
        ("$l[1]", "b"),
        ("$l[-1]", "b"),
        ("$l[7]", ""),
        ("$l.contains('b')", "true"),
        ("$l.isEmpty() || $l.empty", "false"),
        ("$m.a", "1"),
        ("$m['b']", "x"),
        ("$m.get('b')", "x"),
        ("$m.containsKey('c')", "false"),
        ("$m.keySet()", "[a, b]"),
        ("$m.values()", "[1, x]"),
        ("$m.entrySet()", "[a=1, b=x]"),
        ("$m.size()", "2"),
        ("$m.remove('a')", "1"),
        ("$m.none()", ""),
    ] {
        check(
            &format!(
                "#set($s = 'hello world')#set($l = [1, 'b'])#set($m = {{'a': 1, 'b': 'x'}})#set($x = {expression})$x"
            ),
            expected,
        );
    }
    check(
        "#set($m = {'a': 1})#foreach($e in $m.entrySet())$e.key=$e.value,$e.getKey()=$e.getValue()#end",
        "a=1,a=1",
    );
}

#[test]
fn lists_and_maps_are_shared() {
    check(
        "#set($l = [])#set($k = $l)#set($done = $l.add('x'))#set($k[0] = 'y')$l $done",
        "[y] true",
    );
    check(
        "#set($m = {})#set($m.a = 1)#set($m['b'] = 2)$m.put('a', 3)$m",
        "1{a=3, b=2}",
    );
}

#[test]
fn input_gives_the_request() {
    let body = "{\"a\": {\"foo\":\"bar\"}, \"l\":[{\"n\":1.50}], \"t\": \"x\"}";
    for (template, expected) in [
        ("$input.body", body),
        (
            "$input.json('$')",
            "{\"a\":{\"foo\":\"bar\"},\"l\":[{\"n\":1.5}],\"t\":\"x\"}",
        ),
        ("$input.json('$.t')", "\"x\""),
        ("$input.json('$.gone')", "\"\""),
        ("$input.path('$.a')", "{foo=bar}"),
        ("$input.path('$.l')", "[{\"n\":1.5}]"),
        ("$input.path('$').a.foo", "bar"),
        ("$input.path('$')", "{a={foo=bar}, l=[{\"n\":1.5}], t=x}"),
        ("$input.path('$.l[0].n')", "1.5"),
        ("$input.path('$.t').toUpperCase()", "X"),
        ("$input.params('id')", "7"),
        ("$input.params('q')", "x y"),
        ("$input.params('x-own')", "h"),
        ("$input.params('none')|", "|"),
        ("$input.params().querystring.get('id')", "8"),
        ("$input.params('header').get('X-Own')", "h"),
        ("$input.params().keySet()", "[path, querystring, header]"),
        ("$stageVariables.colour ${stageVariables.none}", "red "),
        ("$context.identity.sourceIp", "127.0.0.1"),
        ("#set($size = $input.path('$.l').size())$size", "1"),
    ] {
        check_over(body, template, expected);
    }
    check_over("", "$input.body$input.json('$')", "{}{}");
    check_over("no json", "$input.body $input.path('$.a')|", "no json |");
}

#[test]
fn util_converts() {
    for (template, expected) in [
        ("$util.escapeJavaScript(\"it's a/b\")", "it\\'s a\\/b"),
        ("$util.escapeJavaScript('é\u{1}')", "\\u00E9\\u0001"),
        ("$util.base64Encode('hi')", "aGk="),
        ("$util.base64Decode('aGk=')", "hi"),
        ("$util.base64Decode('%')|", "|"),
        ("$util.urlEncode('a b&c/é*')", "a+b%26c%2F%C3%A9*"),
        ("$util.urlDecode('a+b%26')", "a b&"),
        ("$util.parseJson('{\"a\":[1,2]}').a[1]", "2"),
        ("$util.parseJson('no')|", "|"),
        ("$util.escapeJavaScript($input.json('$'))", "{\\\"a\\\":1}"),
    ] {
        check(template, expected);
    }
}

#[test]
fn overrides_are_kept() {
    let mut overrides = Overrides::default();
    let template = "#set($context.responseOverride.status = 202)\
                    #set($context.responseOverride.header.foo = 'bar')\
                    #set($context[\"requestOverride\"].querystring[\"q\"] = 'v')\
                    $context.requestOverride.path.put('p', 1)x";
    let rendered = outcome(template, "", &mut overrides);
    assert_eq!(rendered.as_deref(), Ok("x"));
    assert_eq!(overrides.response["status"], json!(202));
    assert_eq!(overrides.response["header"], json!({ "foo": "bar" }));
    assert_eq!(overrides.request["path"], json!({ "p": 1 }));
    let rendered = outcome("$context.requestOverride.querystring.q", "", &mut overrides);
    assert_eq!(rendered.as_deref(), Ok("v"));
}

#[test]
fn macros_and_blocks_are_called() {
    check("#macro(twice $a)<$a$a>#end#twice('x')#twice(2)", "<xx><22>");
    check("#define($b)[$x]#end#set($x = 1)$b#set($x = 2)$b", "[1][2]");
    check("#other('x')", "#other('x')");
}

#[test]
fn what_is_no_template_is_refused() {
    for template in [
        "#if(true)",
        "#end",
        "#else",
        "#set($a)",
        "#set(a = 1)",
        "#foreach($a of $b)#end",
        "#* open",
        "#[[ open",
        "#if(\"open)#end",
        "#parse('x')",
        "$a.b(",
        "#set($a = )",
    ] {
        fails(template);
    }
}

#[test]
fn hostile_templates_end() {
    fails(&"#if(true)".repeat(10_000));
    fails(&format!("#set($a = {})", "(".repeat(100_000)));
    fails(&format!("#set($a = {}1)", "!".repeat(100_000)));
    fails(&format!("#set($a = {}", "[".repeat(100_000)));
    fails(&format!("#set($a = 1{})", " + 1".repeat(50_000)));
    fails(&"x".repeat(400_000));
    fails("#macro(m)#m()#end#m()");
    fails("#define($a)$a#end$a");
    let (open, close) = ("#if(true)".repeat(55), "#end".repeat(55));
    fails(&format!("#macro(m){open}#m(){close}#end#m()"));
    fails(&format!(
        "#define($a){open}#set($b = \"$a\")$b{close}#end$a"
    ));
    fails("#set($a = 'xxxxxxxxxx')#foreach($i in [1..1000])#set($a = \"$a$a\")#end$a");
    fails("#set($a = 'x')#foreach($i in [1..1000])#set($a = $a.replaceAll('x', 'xxxxxxxx'))#end$a");
    fails("#set($l = [])#set($d = $l.add($l))$l");
    fails("#set($l = [1])#foreach($i in [1..1000])#set($d = $l.addAll($l))#end");
    fails("#set($l = [1])#foreach($i in [1..200])#set($l = [$l, $l])#end$l");
    fails(
        "#set($a = [1..1000])#foreach($a1 in $a)#foreach($b in $a)#foreach($c in $a)#foreach($d in $a)x#end#end#end#end",
    );
    fails("#set($a = [1..99999999999])");
    let brackets = "$a[".repeat(100_000);
    assert!(Template::parse(&brackets).is_err() || !brackets.is_empty());
}

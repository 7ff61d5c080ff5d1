"""Canonical JSON and the kinds of text in a package, for verify.py: what kinds.txt says each text looks like, and the refusal of any other."""
import base64, hashlib, json, pathlib, re

MIB, sha256, b64decode = 1 << 20, (lambda data: hashlib.sha256(data).digest()), base64.b64decode

class Refused(Exception):
    """The package does not verify; the text says why."""
class Object(dict):
    """A JSON object, its members also as attributes."""
    __getattr__ = dict.__getitem__
KINDS = {"text": str, "int": int, "bool": bool, "object": Object, "null": type(None),
         **dict(line.split(" ", 1)
                for line in pathlib.Path(__file__).with_name("kinds.txt").read_text().splitlines() if line[0] != "#")}

def need(holds, sentence):
    if not holds:
        raise Refused(sentence)

def misfit(value, kind, path):
    """The path of the first part of value that is not of that kind; a false value if there is none."""
    if kind[-1] == "?" and value is None:
        return None
    shape, parts = KINDS.get(kind.rstrip("?"), f"/{kind.rstrip('?')}/"), []
    if kind[-1] == "*":
        fits = type(value) is list
        parts = [(part, kind[:-1], f"{path}[{i}]") for i, part in enumerate(value if fits else [])]
    elif type(shape) is type or shape[0] == "/":
        fits = type(value) is shape or type(value) is type(shape) is str and re.fullmatch(shape[1:-1], value)
    else:
        members = dict(member.split("=", 1) for member in shape.split())
        if fits := type(value) is Object and list(value) == list(members):
            parts = [(value[name], part, f"{path}.{name}") for name, part in members.items()]
    return next(filter(None, (misfit(*part) for part in parts)), None) if fits else path

def canonical(data, kind, what, layout={"indent": 2}, end="\n", limit=16 * MIB):
    """The value of a canonical JSON text of that kind (sign section 2), in either version, in document form unless told otherwise."""
    def whole(digits):
        need(digits.isdigit() and int(digits) < 2**53, f"{what} has a number that is not whole or too large")
        return int(digits)
    try:
        value = json.loads(data.decode("utf-8"), parse_int=whole, parse_float=whole, parse_constant=whole, object_hook=Object)
        need(len(data) <= limit and (json.dumps(value, ensure_ascii=False, **layout) + end).encode("utf-8") == data,
             f"{what} is not canonical JSON")
    except (ValueError, RecursionError) as problem:
        raise Refused(f"{what} is not JSON: {problem}") from None
    old = f"{kind}-v1" in KINDS and type(value) is Object and str(value.get("type")).endswith("/v1")
    need(not (wrong := misfit(value, kind + "-v1" * old, what)), f"{wrong} is not as specified")
    return value

def canonical_lines(text, kind, what):
    """The values of a text of lines in line form, and the lines without their ends."""
    *lines, rest = text.split(b"\n")
    need(not rest, f"{what} does not end with a line end")
    return [canonical(line, kind, f"line {i} of {what}", {"separators": (",", ":")}, "", MIB) for i, line in enumerate(lines, 1)], lines

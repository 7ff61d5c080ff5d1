"""The records of a package and the tables made of them, for verify.py: item records against their files, sources and accounts (export sections
6, 11 and 12), traffic and subscriber records (sections 6.1 and 6.2), and the tables of them (section 10). index.py has the index."""
import collections, hashlib, ipaddress, re
from index import rows, verify_index
from texts import MIB, b64decode, canonical, canonical_lines, misfit, need, sha256

ENDINGS = {"message": "eml", "event": "ics", "contact": "vcf", "traffic": "traffic.json", "subscriber": "subscriber.json"}
SHOWN = {"date_utc", "from", "to", "cc", "bcc", "message_id", "mih"}
HEADER = ["from", "sender", "return_path", "to", "cc", "bcc", "delivered_to"]
TRANSFORMS = ["utf8-bom", "mbox-separator", "mboxrd-quoting", "line-ends"]

def source_bytes(transforms, data):
    """An item's source bytes, from its file's by the inverse transforms (export section 12)."""
    for step in reversed(transforms):
        if step.name == "line-ends":
            parts, ends = data.split(b"\r\n"), {"L": b"\n", "R": b"\r", "C": b"\r\n"}
            runs = [(ends[run[0]], int(run[1:])) for run in step.runs.replace("*", str(len(parts) - 1)).split(" ")]
            need(sum(count for _, count in runs) == len(parts) - 1 and
                 re.fullmatch(r"[LR]\*|[LC][1-9][0-9]*( [LC][1-9][0-9]*)+", step.runs), "a line-ends transform does not fit its file")
            data = b"".join(map(bytes.__add__, parts, [end for end, count in runs for _ in range(count)] + [b""]))
        elif step.name == "mboxrd-quoting":
            data = re.sub(rb"(\A|%b)(>*From )" % (b"\n" if b"\n" in data else b"\r"), rb"\1>\2", data)
        else:
            before, after = (step.line, step.trailer) if step.name == "mbox-separator" else ("77u/", "")
            data = b64decode(before) + data + b64decode(after)
    return data

def derived(record, data):
    """The traffic or subscriber record that is the file of a derived item (export sections 6.1, 6.2)."""
    what, shown = record.file, record.fields
    need(data.endswith(b"\n") and record.source is None and
         not (record.transforms or record.exception or record.labels or record.flags), f"{what} is no derived record")
    content = canonical(data[:-1], record.kind, what, {"separators": (",", ":")}, "", MIB)
    need(content.derived and content.account == record.account, f"{what} is not of its account")
    if record.kind == "subscriber":
        columns = [value.column for value in content["values"]]
        need(columns and len(set(columns)) == len(columns) and all(value.value for value in content["values"]) and not shown,
             f"{what} is not as specified")
        return content
    times = [content.received, content.date, *(hop for hop in content.route if hop.earliest and hop.latest)]
    need(all(time.earliest <= time.latest for time in times if time) and
         all((hop.earliest is None) == (hop.latest is None) for hop in content.route) and
         all(str(ipaddress.ip_address(ip)) == ip for hop in content.route for ip in hop.addresses) and
         len(content.route) <= 100 and max(len(content[name]) for name in HEADER) <= 1000 and
         content.incomplete == sorted(set(content.incomplete)) and
         set(content.incomplete) <= {"received", "date", "message_id", "route", *HEADER}, f"{what} is not as specified")
    need(set(shown) <= SHOWN and
         all(shown[name] == content[name][:len(shown[name])] for name in {"from", "to", "cc", "bcc"} & set(shown)) and
         shown.get("message_id") in (None, content.message_id) and
         shown.get("mih") in (None, content.message_id and hashlib.md5(content.message_id.encode()).hexdigest()) and
         shown.get("date_utc") in (None, content.date.earliest if content.date and content.date.earliest == content.date.latest else None),
         f"the record of {what} shows something else")
    field, earliest, latest = record.scope.field, record.scope.earliest, record.scope.latest
    known = content[field] if field in ("received", "date") else None
    need((field, earliest, latest) == ((field, known.earliest, known.latest) if known else (None, None, None)),
         f"{what} has another time than its record says")
    return content

def in_scope(record, account):
    """Whether a rule of its account (export section 11) admits an item."""
    earliest, latest, (category, by) = record.scope.earliest or "", record.scope.latest or "", record.scope.rule.split("/")[1:]
    asked = account.categories if "place" in account else {"content"} & set(account.categories)
    if category != record.category or category != (record.kind if record.kind in ("traffic", "subscriber") else "content") or category not in asked:
        return False
    if category == "subscriber":
        return by == "record" and record.scope.field is None and not earliest
    if category == "traffic" and "content" in asked:
        return False
    if account.entire:
        inside = by == "entire"
    else:
        inside = by == "span" and record.scope.field is not None and account["from"] <= earliest <= latest < account.until
    return inside or by == "admitted" and "place" in account

def verify_records(files, facts, records):
    """The item records (export section 6), held each against its file, source and account, and all against package.json and sources.jsonl."""
    read, contents, accounts = {}, [], facts.accounts
    placed = {account.get("place", place): account for place, account in enumerate(accounts)}
    need(list(placed) == sorted(set(placed)) and len(placed) == len(accounts), "the accounts are not in the order's order")
    for count, record in enumerate(records, 1):
        exhibit, names = f"E{count:07}", [step.get("name") for step in record.transforms]
        name = f"data/messages/{exhibit}.{ENDINGS[record.kind]}"
        need((record.exhibit, record.file) == (exhibit, name) and name in files, f"record {count} is not that of {exhibit}")
        data = files[name]
        need([len(data), sha256(data).hex(), hashlib.md5(data).hexdigest()] == [record.size, record.sha256, record.md5],
             f"{name} is not what its record says")
        need(names == [name for name in TRANSFORMS if name in names] and not (names and record.exception) and
             not any(misfit(step, step.name, "x") for step in record.transforms), f"the transforms of {exhibit} are not as specified")
        rule = re.fullmatch(r"account\[(0|[1-9][0-9]{,5})\]/[a-z]+/[a-z]+", record.scope.rule)
        account = placed.get(int(rule[1])) if rule else None
        need(account and account.account == record.account, f"the rule of {exhibit} names another account")
        need(in_scope(record, account), f"{exhibit} is out of scope")
        if record.kind in ("traffic", "subscriber"):
            contents.append((record, derived(record, data)))
            continue
        need(record.source, f"{exhibit} has no source")
        original = source_bytes(record.transforms, data)
        need((len(original), sha256(original).hex()) == (record.source.length, record.source.sha256),
             f"{exhibit} does not lead back to its source")
        key = record.account, record.source.number, record.source.file, record.source.container
        read.setdefault(key, []).append(record.source)
    sources, _ = canonical_lines(files["sources.jsonl"], "source-line", "sources.jsonl")
    need(list(read) == [(entry.account, entry.number, entry.file, entry.container) for entry in sources] and
         all(item.offset + item.length <= entry.size or entry.container
             for entry, items in zip(sources, read.values()) for item in items), "sources.jsonl is wrong")
    tally = collections.Counter(record.exception for record in records if record.exception)
    need([(entry.reason, entry.count) for entry in facts.exceptions] == sorted(tally.items()) and
         [entry.reason for entry in facts.withheld] == ["category", "before-span", "after-span", "privileged", "undetermined"] and
         all(sum(record.account == account.account for record in records) == account.included == account.source - account.withheld
             for account in accounts) and
         all(sum(r.account == account.account and r.scope.rule.endswith("/admitted") for r in records) == account.get("admitted", 0)
             for account in accounts) and
         facts.counts == {"source": sum(account.source for account in accounts), "included": len(records),
                          "exceptions": sum(tally.values()), "withheld": sum(entry.count for entry in facts.withheld)},
         "the counts of package.json are not those of the records")
    verify_tables(files, facts, records)
    if facts.type.endswith("v2"):
        verify_derived_tables(files, contents)

def verify_derived_tables(files, contents):
    """The tables of traffic and subscriber records say what the records say (export section 10)."""
    def span(time):
        if time is None:
            return ""
        return time.earliest if time.earliest == time.latest else f"{time.earliest}/{time.latest}"
    traffic = [["exhibit", "account", "received", "date", *HEADER, "message_id", "size"]] + [
        [r.exhibit, c.account, span(c.received), span(c.date), *("; ".join(c[name]) for name in HEADER), c.message_id or "", str(c.size)]
        for r, c in contents if r.kind == "traffic"]
    subscriber = [["exhibit", "account", "list", "column", "value"]] + [
        [r.exhibit, c.account, c.list, v.column, v.value] for r, c in contents if r.kind == "subscriber" for v in c["values"]]
    need(rows(files["data/traffic.csv"]) == traffic and rows(files["data/subscriber.csv"]) == subscriber,
         "traffic.csv or subscriber.csv does not say what the records say")

def verify_tables(files, facts, records):
    """The tables and the index say what the records and package.json say (export section 10)."""
    exceptions = [["exhibit", "file", "reason"]] + [[r.exhibit, r.file, r.exception] for r in records if r.exception]
    withheld = [["reason", "count"]] + [[entry.reason, str(entry.count)] for entry in facts.withheld]
    need(rows(files["data/exceptions.csv"]) == exceptions and rows(files["data/withheld.csv"]) == withheld,
         "exceptions.csv or withheld.csv does not say what the records and package.json say")
    verify_index(files, records)

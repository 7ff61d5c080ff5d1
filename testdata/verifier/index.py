"""The index for other tools, for verify.py: index.csv and index.dat made anew from the item records (export section 10). With records of version 1
there is one row an item; with those of version 2 each attachment and each message that an item carries has a row of its own below it."""
import csv, io, re
from texts import KINDS, need

MOST = 9999  # attachments of an item

def rows(data):
    """The cells of a CSV file, their guard taken away (export section 10)."""
    cells = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    need(data.endswith(b"\r\n") and not any(cell[0] in "=+-@\t\r" for row in cells for cell in row if cell),
         "a CSV file has a cell that is not guarded")
    return [[cell[1:] if cell[:1] == "'" else cell for cell in row] for row in cells]

def address(one):
    """An address as `name <address>`, or what there is of it."""
    if isinstance(one, str):
        return one
    name, spec = one.get("name", ""), one.get("addr", "")
    return f"{name} <{spec}>" if name and spec else name or spec

def shown(fields):
    """The cells of a message's fields, by column, in either version."""
    joined = lambda name, show, between="; ": between.join(filter(None, map(show, fields.get(name, []))))
    lists = {"From": "from", "To": "to", "CC": "cc", "BCC": "bcc", "Sender": "sender", "ReplyTo": "reply_to"}
    return {"Rfc822MessageId": fields.get("message_id", ""), "Subject": fields.get("subject") or fields.get("summary", ""),
            "DateSent": fields.get("date_utc", ""), "MIH": fields.get("mih", ""), "ThreadId": fields.get("thread", {}).get("id", ""),
            "InReplyTo": joined("in_reply_to", str, " "), "References": joined("references", str, " "),
            **{column: joined(name, address) for column, name in lists.items()}}

def own_row(record):
    """The cells of an item's own row, by column."""
    scope = record.scope
    received = scope.earliest if scope.field == "received" and scope.earliest == scope.latest else None
    return {**shown(record.fields), "FileName": record.file.split("/")[-1], "Account": record.account, "Custodian": record.account,
            "Labels": "; ".join(record.labels), "DateReceived": received or "", "DocID": record.exhibit, "FilePath": record.file,
            "FileSize": record.size, "MD5Hash": record.md5, "SHA256Hash": record.sha256, "Category": record.category, "Rule": scope.rule,
            "Exception": record.exception or "", "Flags": "; ".join(record.flags),
            **{f"Source{name}": record.source[name.lower()] if record.source else "" for name in ("File", "Offset", "Length", "SHA256")}}

def protect(row, mark):
    """Adds a mark to those of a row, each once."""
    marks = list(filter(None, row.get("Crypto", "").split("; ")))
    row["Crypto"] = "; ".join(marks + [mark] * (bool(mark) and mark not in marks))

def family(record):
    """The rows of an item and of all that it carries, by column."""
    own, parts = own_row(record), record.fields.get("parts", [])
    table, carriers = [own], []
    def child(number, what):
        if len(table) > MOST:
            return None
        table.append({"DocID": f"{record.exhibit}.{len(table):04}", "PARENT_DOCID": (carriers[-1][1] if carriers else own)["DocID"],
                      "Part": number, "FilePath": record.file, "FileName": what.get("name", ""), "FileSize": what.get("size", ""),
                      "MD5Hash": what.get("md5", ""), "SHA256Hash": what.get("sha256", ""), **{name: own[name] for name in ("Account", "Custodian", "Labels", "Category")}})
        return table[-1]
    for part in parts:
        number, mark = part.part, part.get("crypto", "")
        while carriers and not number.startswith(carriers[-1][0] + "."):
            carriers.pop()
        protect(carriers[-1][1] if carriers else own, mark)
        row = child(number, part) if part.get("attachment") else None
        if row:
            row["ContentType"] = part.get("type", "")
            protect(row, mark)
            if "message" in part:
                row.update(shown(part.message), DateReceived=part.message.get("received_utc", ""))
                carriers.append((number, row))
        for place, file in enumerate(part.get("files", []), 1):
            child(f"{number}/{place}", file)
    if parts:
        own.update(Part=parts[0].part, ContentType=parts[0].get("type", ""), Attachments=len(table) - 1)
    if len(table) > 1:
        for row in table:
            row.update(BeginAttach=record.exhibit, EndAttach=table[-1]["DocID"])
    return table

def verify_index(files, records):
    """index.csv and index.dat say what the records say, and nothing else."""
    index = rows(files["data/index.csv"])
    old = {record.type.endswith("/v1") for record in records} or {index[0] == KINDS["columns-v1"].split()}
    need(len(old) == 1, "the item records are of more than one version")
    columns = KINDS["columns-v1" if True in old else "columns"].split()
    made = [row for record in records for row in ([own_row(record)] if True in old else family(record))]
    need(index == [columns] + [[str(row.get(column, "")) for column in columns] for row in made],
         "index.csv does not say what the records say")
    flat = lambda cell: re.sub("\r\n|\r|\n", "®", cell).replace("\x14", " ").replace("þ", "þþ")
    table = "\ufeff" + "".join("\x14".join(f"þ{flat(cell)}þ" for cell in row) + "\r\n" for row in index)
    need(files["data/index.dat"] == table.encode("utf-8"), "index.dat differs from index.csv")

"""Room: scripts/rehearsal. ministack 1.5.33, with facts of a request and loans of keys as AWS documents them.

Without them our key policies and grants, which rest on these facts, would be judged by what no AWS account ever
says. Each is corrected where it is found out; what is then allowed or denied, ministack decides. Grants are kept by ministack
and evaluated by nobody, so that one rule is added here: what no statement denies and no policy allows, a grant may allow.
ACM keeps certificates without reading them, and the tags of a certificate are no fact of a request: both are mended.
KMS lacks ReEncrypt, which here is its own Decrypt and Encrypt in one call, each permitted or not by itself.
"""

import json
import re

from ministack.core import iam_actions, iam_evaluator

_session = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")
_resolve = iam_evaluator._resolve_condition_key
_enforce = iam_evaluator.enforce
_context = iam_actions.dynamodb_service_context
_resource = iam_actions.extract_resource_arn
_tags = iam_actions.request_tag_context


def _condition_key(key, ctx):
    """aws:PrincipalArn of a role's session is the role's ARN, not the session's (IAM User Guide, global keys)."""
    value = _resolve(key, ctx)
    if key.lower() != "aws:principalarn":
        return value
    return _session.sub(r"arn:\1:iam::\2:role/\3", value)


def _partitions(value):
    """Partition keys of every item that a request names: in Key, Item, and the statements of a transaction."""
    if isinstance(value, list):
        return [one for member in value for one in _partitions(member)]
    if not isinstance(value, dict):
        return []
    own = [
        value[member]["pk"]["S"]
        for member in ("Key", "Item")
        if isinstance(value.get(member), dict) and "S" in value[member].get("pk", {})
    ]
    nested = [one for name, member in value.items() if name not in ("Key", "Item") for one in _partitions(member)]
    return own + nested


def _attributes(value):
    """Names of the attributes of every item that a request puts."""
    if isinstance(value, list):
        return [one for member in value for one in _attributes(member)]
    if not isinstance(value, dict):
        return []
    own = list(value["Item"]) if isinstance(value.get("Item"), dict) else []
    return own + [one for name, member in value.items() if name != "Item" for one in _attributes(member)]


def _facts(value):
    partitions, attributes = _partitions(value), _attributes(value)
    return {"dynamodb:LeadingKeys": partitions, **({"dynamodb:Attributes": attributes} if attributes else {})}


_statements = iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS
_by_action = "fleetkey:facts-by-action"


def _dynamodb_context(body):
    """dynamodb:LeadingKeys and Attributes (DynamoDB Developer Guide, conditions), which ministack does not give."""
    context = _context(body)
    try:
        request = json.loads(body or b"{}")
    except (json.JSONDecodeError, TypeError, UnicodeDecodeError):
        return context
    if not _partitions(request):
        return context
    # Of a transaction every statement is authorised as the single operation that it is (Developer Guide, "Using IAM with
    # DynamoDB transactions"); all statements of one kind together, which is never less strict than one by one.
    statements = request.get("TransactItems") or []
    facts = {_statements[name]: _facts([one[name] for one in statements if name in one]) for name in _statements}
    return {**context, **_facts(request), **({_by_action: facts} if statements else {})}


def _kms_facts(body):
    """Condition keys of KMS (Developer Guide, "AWS KMS condition keys"), which ministack does not give."""
    try:
        request = json.loads(body or b"{}")
    except (json.JSONDecodeError, TypeError, UnicodeDecodeError):
        return {}
    named = {
        "kms:GranteePrincipal": request.get("GranteePrincipal"),
        "kms:GrantOperations": request.get("Operations"),
        "kms:ScheduleKeyDeletionPendingWindowInDays": request.get("PendingWindowInDays"),
    }
    facts = {key: str(value) if isinstance(value, int) else value for key, value in named.items() if value}
    by_action = {
        f"kms:ReEncrypt{end}": _context_facts(request.get(f"{name}EncryptionContext"))
        for end, name in (("From", "Source"), ("To", "Destination"))
    }
    # Two permissions in one call, each with a context of its own (Developer Guide, "ReEncrypt").
    again = {_by_action: by_action} if "DestinationKeyId" in request else {}
    return {**facts, **_context_facts(request.get("EncryptionContext")), **again}


def _context_facts(context):
    """kms:EncryptionContext:name, and the names of all members (Developer Guide, "kms:EncryptionContextKeys")."""
    members = context or {}
    each = {f"kms:EncryptionContext:{name}": value for name, value in members.items()}
    return {**each, **({"kms:EncryptionContextKeys": list(members)} if members else {})}


def _is_lent(principal, iam_action, resource):
    """Whether a grant of that key lets that role (Developer Guide, "Grants"); its session is the role."""
    from ministack.services import kms

    role = _session.sub(r"arn:\1:iam::\2:role/\3", principal)
    return any(
        grant["KeyId"] == resource and grant["GranteePrincipal"] == role and iam_action[4:] in grant["Operations"]
        for grant in kms._grants.values()
    )


_of_aliases = ("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias")


def _is_nobodys(iam_action, resource):
    """An alias that no key has: KMS says that it is not there, whoever asks, since there is no policy to look at."""
    return iam_action.startswith("kms:") and iam_action not in _of_aliases and ":alias/" in (resource or "")


def _enforce_with_grants(access_key_id, iam_action, *request, **named):
    if iam_action == "kms:ReEncrypt":
        both = (_enforce_with_grants(access_key_id, f"{iam_action}{end}", *request, **named) for end in ("From", "To"))
        return next((denied for denied in both if denied), None)
    if _is_nobodys(iam_action, named.get("resource_arn")):
        return None
    result = _enforce_with_own_keys(access_key_id, iam_action, *request, **named)
    if not iam_action.startswith("kms:") or getattr(result, "decision", None) != "ImplicitDeny":
        return result
    return None if _is_lent(result.principal_arn, iam_action, named.get("resource_arn")) else result


def _request_context(service, iam_action, body, *request):
    own = _tags(service, iam_action, body, *request)
    return {**own, **_kms_facts(body)} if service == "kms" else own


def _enforce_with_own_keys(access_key_id, iam_action, *request, **named):
    context = dict(named.get("service_context") or {})
    facts = context.pop(_by_action, None)
    if facts is not None:
        context.pop("dynamodb:Attributes", None)
        named["service_context"] = {**context, **facts.get(iam_action, {})}
    return _enforce(access_key_id, iam_action, *request, **named)


def _resource_arn(service, *request):
    """A key that is called by an alias is the key (KMS Developer Guide, aliases in policies), not the alias."""
    arn = _resource(service, *request)
    if service == "acm" and arn == "*":
        # A certificate that is yet to be is one of the account's too (ACM user guide, "API permissions").
        return f"arn:aws:acm:{request[-2]}:{request[-1]}:certificate/new"
    if service != "kms" or ":alias/" not in arn:
        return arn
    from ministack.services import kms

    key = kms._resolve_key(arn)
    return key["Arn"] if key else arn


iam_actions.extract_resource_arn = _resource_arn
iam_actions.request_tag_context = _request_context
iam_evaluator._resolve_condition_key = _condition_key
iam_actions.dynamodb_service_context = _dynamodb_context
iam_evaluator.enforce = _enforce_with_grants

from ministack.app import app  # noqa: E402, F401
from ministack.core.responses import json_response  # noqa: E402
from ministack.services import acm, kms, tagging  # noqa: E402

_shape = acm._cert_shape
_kms_request = kms.handle_request
_curves = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1"}


def _described(certificate):
    """What ACM reads in a certificate that it is given (API reference, CertificateDetail)."""
    from cryptography import x509

    shape = _shape(certificate)
    if not certificate.get("_pem_body"):
        return shape
    read = x509.load_pem_x509_certificate(certificate["_pem_body"].encode())
    serial = f"{read.serial_number:x}"
    octets = bytes.fromhex(serial.zfill(len(serial) + len(serial) % 2))
    key = read.public_key()
    curve = getattr(getattr(key, "curve", None), "name", None)
    return {
        **shape,
        "Serial": octets.hex(":"),
        "KeyAlgorithm": _curves.get(curve) or f"RSA_{key.key_size}",
        "NotBefore": read.not_valid_before_utc.timestamp(),
        "NotAfter": read.not_valid_after_utc.timestamp(),
        "ImportedAt": shape["IssuedAt"],
    }


def _reencrypt(request):
    """ReEncrypt (API reference): what Decrypt answers, encrypted under the other key and context."""
    source = {"CiphertextBlob": request.get("CiphertextBlob"), "KeyId": request.get("SourceKeyId", "")}
    opened = kms._decrypt({**source, "EncryptionContext": request.get("SourceEncryptionContext", {})})
    if opened[0] != 200:
        return opened
    read = json.loads(opened[2])
    wanted = {"KeyId": request.get("DestinationKeyId", ""), "Plaintext": read["Plaintext"]}
    sealed = kms._encrypt({**wanted, "EncryptionContext": request.get("DestinationEncryptionContext", {})})
    if sealed[0] != 200:
        return sealed
    made = json.loads(sealed[2])
    return json_response({"CiphertextBlob": made["CiphertextBlob"], "KeyId": made["KeyId"], "SourceKeyId": read["KeyId"]})


async def _kms_with_rotations(method, path, headers, body, query_params):
    """ListKeyRotations: no key of a rehearsal is as old as its first rotation."""
    target = headers.get("x-amz-target", "")
    if target.endswith(".ListKeyRotations"):
        return json_response({"Rotations": [], "Truncated": False})
    if target.endswith(".ReEncrypt"):
        return _reencrypt(json.loads(body or b"{}"))
    return await _kms_request(method, path, headers, body, query_params)


acm._cert_shape = _described
kms.handle_request = _kms_with_rotations
tagging._RESOURCE_TAG_COLLECTORS["acm"] = lambda: (
    (arn, certificate.get("Tags", [])) for arn, certificate in acm._certificates.items()
)

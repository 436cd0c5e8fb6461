"""Room: scripts/rehearsal. A pipeline on AWS: a role, and requests that AWS's own library signs with it (SigV4).

Reads one JSON document from its standard input, answers with one on its standard output.
"""

import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def make_role(name, account, resources):
    """A role that this account may take; without resources no policy lets it do anything."""
    iam = boto3.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    if resources:
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="calls", PolicyDocument=policy)
    return {}


def call(endpoint, host, region, method, path, body, credentials):
    """Sent to the endpoint and signed for the host, which is the name of the API there; without credentials not signed."""
    data = json.dumps(body) if body is not None else None
    headers = {"Content-Type": "application/json"} if data else {}
    request = AWSRequest(method=method, url=f"https://{host}{path}", data=data, headers=headers)
    if credentials is not None:
        SigV4Auth(Credentials(**credentials), "execute-api", region).add_auth(request)
    sent = {**dict(request.headers), "Host": host}
    outgoing = urllib.request.Request(endpoint + path, data.encode() if data else None, sent, method=method)
    try:
        with urllib.request.urlopen(outgoing, timeout=60) as answer:
            return {"status": answer.status, "body": answer.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode()}


acts = {"make_role": make_role, "call": call}

if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    json.dump(acts[wanted.pop("act")](**wanted), sys.stdout)

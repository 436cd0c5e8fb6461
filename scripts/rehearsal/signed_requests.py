"""Room: scripts/rehearsal. Requests that a pipeline's role signs with SigV4, by AWS's own Python SDK.

Reads one JSON object from stdin: `url` and `host` of the API, `account`, `region`, `roles` (name: resources that it may
invoke), `requests` (role or null, method, path, body or null). Makes the roles that are not there, and writes a JSON list
of `[status, body]`, one for each request.
"""

import json
import sys
import urllib3

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

asked = json.load(sys.stdin)
account, region, host = asked["account"], asked["region"], asked["host"]
iam, sts = boto3.client("iam"), boto3.client("sts")


def make_role(name, resources):
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    except iam.exceptions.EntityAlreadyExistsException:
        return
    if resources:
        invoke = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [invoke]})
        iam.put_role_policy(RoleName=name, PolicyName="invoke", PolicyDocument=policy)


def session_of(name):
    found = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{name}", RoleSessionName="rehearsal")["Credentials"]
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


for name, resources in asked["roles"].items():
    make_role(name, resources)

http = urllib3.PoolManager(ca_certs=asked["ca"], server_hostname="localhost", assert_hostname="localhost", retries=False)
answers = []
for role, method, path, body in asked["requests"]:
    headers = {"host": host, **({"content-type": "application/json"} if body is not None else {})}
    request = AWSRequest(method=method, url=f"https://{host}{path}", data=body, headers=headers)
    if role is not None:
        SigV4Auth(session_of(role), "execute-api", region).add_auth(request)
    sent = http.request(method, f"{asked['url']}{path}", body=body, headers=dict(request.headers))
    answers.append([sent.status, sent.data.decode()])
print(json.dumps(answers))

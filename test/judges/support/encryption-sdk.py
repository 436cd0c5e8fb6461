"""The AWS Encryption SDK for Python as a judge: a question as JSON on standard input, answers as JSON on standard output.

The question has a keyring and tasks; a task has a plaintext to encrypt or a message to decrypt, both base64. A task
that fails is answered with the name of its exception.
"""

import base64
import json
import sys

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    AesWrappingAlg,
    CreateAwsKmsKeyringInput,
    CreateRawAesKeyringInput,
)
from aws_encryption_sdk.identifiers import AlgorithmSuite

providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
client = aws_encryption_sdk.EncryptionSDKClient(max_encrypted_data_keys=1)


def keyring_of(described):
    if "kmsKeyId" in described:
        kms = boto3.client(
            "kms",
            endpoint_url=described["url"],
            region_name=described["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        return providers.create_aws_kms_keyring(
            CreateAwsKmsKeyringInput(kms_key_id=described["kmsKeyId"], kms_client=kms)
        )
    return providers.create_raw_aes_keyring(
        CreateRawAesKeyringInput(
            key_namespace=described["namespace"],
            key_name=described["name"],
            wrapping_key=base64.b64decode(described["key"]),
            wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
        )
    )


def answer(keyring, task):
    context = task["context"]
    if "plaintext" in task:
        message, _ = client.encrypt(
            source=base64.b64decode(task["plaintext"]),
            keyring=keyring,
            encryption_context=context,
            algorithm=AlgorithmSuite[task["suite"]],
            frame_length=task["frameLength"],
        )
        return {"message": base64.b64encode(message).decode()}
    plaintext, header = client.decrypt(
        source=base64.b64decode(task["message"]), keyring=keyring, encryption_context=context
    )
    return {
        "plaintext": base64.b64encode(plaintext).decode(),
        "context": header.encryption_context,
        "suite": header.algorithm.name,
    }


def attempt(keyring, task):
    try:
        return answer(keyring, task)
    except Exception as failure:
        return {"failure": type(failure).__name__}


question = json.load(sys.stdin)
ring = keyring_of(question["keyring"])
json.dump([attempt(ring, task) for task in question["tasks"]], sys.stdout)

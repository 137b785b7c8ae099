"""Asks a running service everything that NVIDIA's client, as it comes from PyPI, can ask.

    THATGIA_KEY=tg_... python triton.py 127.0.0.1:8080
"""

import json
import os
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

ADDRESS = sys.argv[1]
MODEL = "thatgia"
LISTINGS = [
    {"id": "a1", "title": "Giày Nike Air Force 1 rep 1:1 full box", "brand": "Nike",
     "price": {"amount": 350000, "currency": "VND"}},
    {"id": "a2", "title": "Áo len đan tay"},
    {"id": "a3"},
]


def headers():
    # The client writes into what it is given.
    return {"Authorization": "Bearer " + os.environ["THATGIA_KEY"]}


def tensor(name, values, datatype="BYTES", dtype=np.object_, binary=True, rows=False):
    array = np.array(values, dtype=dtype)
    if rows:
        array = array.reshape(-1, 1)
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def scored_elsewhere(listings):
    body = json.dumps({"listings": listings}).encode()
    request = urllib.request.Request(
        f"http://{ADDRESS}/v1/score", body, {**headers(), "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def refused(call, status, words):
    try:
        call()
    except InferenceServerException as error:
        assert error.status() == status, error
        assert words in error.message(), error
    else:
        raise AssertionError(f"not refused: {words}")


def check_metadata(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(MODEL, headers=headers())
    assert client.is_model_ready(MODEL, "1", headers=headers())
    assert not client.is_model_ready("resnet", headers=headers())
    assert not client.is_model_ready(MODEL, "2", headers=headers())
    assert not client.is_model_ready(MODEL), "without a key"
    server = client.get_server_metadata(headers=headers())
    assert server["name"] == "thatgia" and "binary_tensor_data" in server["extensions"], server
    model = client.get_model_metadata(MODEL, headers=headers())
    assert model == client.get_model_metadata(MODEL, "1", headers=headers())
    assert model["versions"] == ["1"], model
    assert {"name": "title", "datatype": "BYTES", "shape": [-1]} in model["inputs"], model
    assert [o["name"] for o in model["outputs"]] == ["score", "band", "assessment"], model


def check_listings(client):
    elsewhere = scored_elsewhere(LISTINGS)
    results = json.loads(elsewhere)["results"]
    values = [json.dumps(listing) for listing in LISTINGS]
    forms = [[True] * 3, [False] * 3, [True, False, True], None]
    for binary in (True, False):
        for form in forms:
            for rows in (False, True):
                outputs = form and [
                    triton.InferRequestedOutput(name, binary_data=wanted)
                    for name, wanted in zip(("score", "band", "assessment"), form)]
                result = client.infer(
                    MODEL, [tensor("listing", values, binary=binary, rows=rows)],
                    outputs=outputs, request_id="r-1", headers=headers())
                assert result.get_response()["id"] == "r-1"
                scores = result.as_numpy("score")
                assert scores.dtype == np.float64 and scores.shape == (3,), scores
                assert scores.tolist() == [results[0]["score"], results[1]["score"], -1.0], scores
                bands = [text(b) for b in result.as_numpy("band")]
                assert bands == [results[0]["band"], results[1]["band"], "error"], bands
                lines = [text(line) for line in result.as_numpy("assessment")]
                assert '{"results":[' + ",".join(lines) + "]}" == elsewhere, lines


def check_fields(client):
    titles = [listing.get("title", "") for listing in LISTINGS]
    whole = client.infer(
        MODEL, [tensor("listing", [json.dumps({"title": titles[0], "brand": "Nike",
                                               "price": {"amount": 350000}})])], headers=headers())
    for binary in (True, False):
        for datatype, dtype in (("FP64", np.float64), ("FP32", np.float32), ("INT64", np.int64)):
            prices = [350000, 120000, 1]
            result = client.infer(MODEL, [
                tensor("title", titles, binary=binary),
                tensor("price", prices, datatype, dtype, binary),
                tensor("brand", ["Nike", "", ""], binary=binary),
            ], model_version="1", headers=headers())
            scores = result.as_numpy("score")
            assert scores[0] == whole.as_numpy("score")[0] and scores[2] == -1.0, scores
    unknown = client.infer(MODEL, [
        tensor("title", titles[:1]), tensor("price", [np.nan], "FP64", np.float64),
    ], headers=headers())
    line = json.loads(text(unknown.as_numpy("assessment")[0]))
    assert line["error"] is None and line["parts"]["price"] is None, line
    asked = [client.infer(MODEL, [tensor("title", titles[:1])], headers=headers(),
                          parameters={"tier": "fast", "explain": explain})
             for explain in ("brief", "full")]
    found = [len(json.loads(text(r.as_numpy("assessment")[0]))["evidence"]) for r in asked]
    assert found[0] < found[1], found
    later = client.async_infer(MODEL, [tensor("title", titles)], headers=headers())
    assert later.get_result().as_numpy("score").shape == (3,)


def check_errors(client):
    def infer(inputs, model=MODEL, outputs=None, given=None):
        return lambda: client.infer(
            model, inputs, outputs=outputs, headers=headers() if given is None else given)
    title = tensor("title", ["a"])
    refused(infer([title], given={}), "401", "Bearer")
    refused(infer([title], model="resnet"), "404", "resnet")
    refused(infer([tensor("titel", ["a"])]), "400", "expected one of listing, title")
    refused(infer([title, tensor("brand", ["a", "b"])]), "400", "brand.shape")
    refused(infer([tensor("title", [b"\xff"])]), "400", "UTF-8")
    refused(infer([tensor("title", ["a"] * 1025)]), "400", "1024")
    refused(infer([title], outputs=[triton.InferRequestedOutput("logits")]), "400", "assessment")
    refused(lambda: client.get_model_metadata("resnet", headers=headers()), "404", "resnet")


with triton.InferenceServerClient(ADDRESS) as service:
    check_metadata(service)
    check_listings(service)
    check_fields(service)
    check_errors(service)
print("all is well")

from playground.evaluation.classification import classify, confusion_to_json, labels_of


def test_few_short_references_are_labels_the_most_frequent_first() -> None:
    assert labels_of(["no", "yes", "yes", " yes\n", "no", "yes"]) == ("yes", "no")


def test_answers_are_no_labels() -> None:
    assert labels_of(["He goes to the park.", "He eats.", "He sleeps.", "He goes."]) == ()
    assert labels_of(["yes"] * 9) == ()
    assert labels_of(["yes", "no", "yes", "no", "yes"]) == ()
    assert labels_of(["yes", "Yes."] * 5) == ()
    assert labels_of(["yes", ""] * 5) == ()
    assert labels_of(["word " * 20, "no"] * 5) == ()


def test_the_document_holds_counts_and_scores() -> None:
    found = confusion_to_json(classify(["a", "b", "x"], ["a", "a", "b"], ["a", "b"]))
    assert found["counts"] == [[1, 1, 0], [0, 0, 1]]
    assert found["accuracy"] == 1 / 3
    assert found["classes"][0] == {"label": "a", "support": 2, "precision": 1.0, "recall": 0.5, "f1": 2 / 3}

"""What report.html says of its figures and scores."""

ABOUT = (
    "A pixel sentence encoder reads text as a picture: each sentence is rendered, cut into "
    "patches, and turned into one vector by a vision transformer, without a tokeniser."
)

METRICS = {
    "spearman": (
        "rank correlation between the cosine of two sentences' embeddings and the similarity that "
        "they were given, from −1 to 1"
    ),
    "pearson": "linear correlation of the same, from −1 to 1",
    "accuracy": (
        "of parallel sentences, the share whose nearest neighbour in the other language is their "
        "translation, the mean of both directions; of labelled texts, the share that a linear "
        "probe gets right; from 0 to 1"
    ),
    "attacked": "the mean of a task's score over all attacks at full strength",
    "effective_rank": "how many dimensions the embeddings fill, from 1 to all of them",
    "ndcg@10": "how high the relevant documents stand among the first ten, from 0 to 1",
    "average_precision": "area under precision against recall of pairs by cosine, from 0 to 1",
    "v_measure": "how well clusters and labels agree, from 0 to 1",
    "f1": "harmonic mean of precision and recall, from 0 to 1",
}

# What each objective's loss is; `describe_objective` adds what only some settings bring.
OBJECTIVES = {
    "info_nce": "cross-entropy of finding a text's partner among the batch",
    "cosent": "how far the cosines of graded pairs are from the order of their scores (CoSENT)",
    "distillation": "one minus the cosine of a text's vector and its teacher's",
    "masked_autoencoder": "squared error of the pixels of hidden patches",
}

TRAINING_CAPTIONS = {
    # In front of it stands what each stage's objective is.
    "loss": (
        "Loss",
        "Stages follow one another from left to right; a stage with another objective, another "
        "kind of pairs, another batch size or hard negatives has another scale.",
    ),
    "accuracy": (
        "In-batch accuracy",
        "How often the partner (where a teacher is followed, the text's own vector of the "
        "teacher's) is the nearest of all candidates in the batch, in training.",
    ),
    "geometry": (
        "Alignment and uniformity",
        "Alignment is the mean squared distance of a pair (0 to 4, lower is closer); uniformity "
        "says how evenly unrelated texts spread over the sphere (−8 to 0, lower is more even). A "
        "good encoder lowers both; uniformity near 0 means that all embeddings have collapsed "
        "into one point.",
    ),
    "optimizer": (
        "Learning rate and gradient",
        "The schedule as it was applied, and the norm of the gradient before clipping.",
    ),
    "speed": (
        "Speed",
        "Training examples a second over all devices, and the share of time in which training "
        "waited for rendered batches. The first interval of a shape holds its compilation.",
    ),
}

FOUND_CAPTIONS = {
    "attacks": (
        "Under attack",
        "The score when one side of each pair is attacked, from clean (0) to full strength (1); "
        "one panel an attack, one line a model.",
    ),
    "distances": (
        "Distances between languages",
        "Mean cosine distance of a sentence and its translation, for the last models of the "
        "table; the fainter the colour, the nearer.",
    ),
}

EXAMPLE_CAPTIONS = {
    "neighbours": (
        "Nearest neighbours",
        "Queries with typos as the model sees them, and the sentences nearest to each by cosine.",
    ),
    "moved": (
        "Most-moved pairs",
        "Pairs of sentences whose place in the ranking by cosine changed most from the first model "
        "to the last: first those that came closer, then those that went apart.",
    ),
    "patches": (
        "Which strokes match which",
        "Cosine of the features of each patch of one sentence (left) with each patch of another "
        "(above); the stronger the colour, the more alike, from the least cosine of the picture to "
        "its greatest.",
    ),
    "map": (
        "Map of the embeddings",
        "The two directions in which embeddings vary most (principal components), one dot a "
        "sentence, one colour a language or a task. Languages that share one meaning space lie on "
        "each other.",
    ),
}

"""Find the mean embedding of some ordinary sentences, which the text embedder's bits are taken around, and write it.

    python scripts/centre_text_embedder.py                 a few seconds; writes embedders/text_centre.npy

Sentences of all kinds share a part of their embeddings, which would make some bits the same for every text. The
sentences are of everyday life, written for this purpose; none is measured anywhere in the project.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.ml import embedders
from pyml.ml.embedders.text import CENTRE, centre_of

OUT = Path(embedders.__file__).parent / CENTRE
SENTENCES = (
    "The last bus to the airport goes a little before midnight.",
    "She planted tomatoes and beans behind the house.",
    "Our meeting has been moved to Thursday afternoon.",
    "Please remember to switch off the lights when you go.",
    "The old bridge was closed after the flood.",
    "He learned to play the violin when he was six.",
    "A light rain fell over the city all night.",
    "They are building a new school near the river.",
    "I have never seen so many stars in the sky.",
    "The dentist had no free appointment until autumn.",
    "Bread is baked here every day before sunrise.",
    "The price of electricity went up again this year.",
    "Two dogs were chasing each other across the field.",
    "My grandmother kept her letters in a wooden box.",
    "The museum opens its new wing next spring.",
    "We lost our way in the forest and walked in circles.",
    "Could you send me the report before noon?",
    "The team scored twice in the last ten minutes.",
    "Fresh snow covered the roofs of the village.",
    "He paid for the coffee with a handful of coins.",
    "The computer needs to be restarted after the update.",
    "Children were flying kites on the beach.",
    "The judge asked the witness to speak louder.",
    "There is a small bakery around the corner.",
    "The ship arrived three days later than planned.",
    "She painted the kitchen walls bright yellow.",
    "Nobody knew who had left the window open.",
    "Stir the flour into the milk until it is smooth.",
    "Scientists found traces of water on the distant moon.",
    "His wallet had been under the seat all the time.",
    "The festival attracts visitors from many countries.",
    "I would like a room with a view of the lake.",
    "The torch in the drawer has no batteries left.",
    "A stranger helped me carry the suitcase upstairs.",
    "The garden smelled of lavender and cut grass.",
    "They argued about money until late in the evening.",
    "A fallen tree lay across both lanes.",
    "My brother works as an engineer in a car factory.",
    "The teacher wrote the answer on the blackboard.",
    "Every summer we spend a week in the mountains.",
    "The bank will be closed on the first of May.",
    "An owl called from the roof of the barn.",
    "She has been studying Japanese for three years.",
    "The film was much better than the book.",
    "He could not remember where he had parked.",
    "Wash the vegetables before you cut them.",
    "The company announced that it would hire more people.",
    "A thick fog made the harbour disappear.",
    "The baby laughed at the sound of the bell.",
    "Our neighbours are away until the end of the month.",
    "The election results will be published tomorrow.",
    "He repaired the clock with a borrowed screwdriver.",
    "The tea was still too hot to drink.",
    "Farmers worry about the lack of rain this season.",
    "We took the elevator to the top of the tower.",
    "The letter was written in a language nobody could read.",
    "Her favourite jacket was torn at the sleeve.",
    "The concert was cancelled because the singer fell ill.",
    "You can borrow up to five books at a time.",
    "The volcano had been quiet for two hundred years.",
    "Traffic in the centre was slow all afternoon.",
    "He whispered so as not to wake the others.",
    "The shop sells used furniture and old lamps.",
    "A good knife should be sharpened twice a year.",
    "They adopted a cat from the animal shelter.",
    "The ice on the pond was thick enough to walk on.",
    "I forgot the password for my email account.",
    "The guide showed us paintings inside the cave.",
    "Bees returned to the hive as the sun went down.",
    "She ran the marathon in under four hours.",
    "The ceiling leaks whenever there is a storm.",
    "His speech was short and surprisingly funny.",
    "We need more chairs for the people in the back.",
    "The satellite sends pictures of the clouds every hour.",
    "An apple fell on the roof of the car.",
    "The lawyer read the contract line by line.",
    "Salt and vinegar remove most of the stains.",
    "The king was crowned at the age of nineteen.",
    "I met an old friend at the airport.",
    "The engine made a strange noise and stopped.",
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    try:
        stored = io.BytesIO()
        np.save(stored, centre_of(SENTENCES).astype("<i4"))
        write_atomically(options.out, stored.getvalue())
    except PymlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

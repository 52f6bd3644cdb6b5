"""The exercises on what may be done to a chest film and what may not; lessons 10 and 11."""

from cnnkit.checks.compare import Closeness
from cnnkit.checks.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        "stretch_film",
        "From the darkest to the brightest",
        ("film",),
        {
            "brackets_forgotten": (
                "Every pixel has lost a little, and the scale is as it was.",
                "Division comes before subtraction: without brackets only the darkest value is divided.",
                "What should be subtracted before anything is divided? Put brackets round it.",
            ),
            "divided_by_255": (
                "This is the film divided by 255.",
                "A film need not reach from 0 to 255: one has values from 30 to 200, another, of 16 bits, up to 4000.",
                "Ask the film itself for its darkest and its brightest value.",
            ),
            "divided_by_largest": (
                "The brightest pixel is 1, but the darkest is not 0.",
                "You divide by the brightest value; the darkest one was not subtracted.",
                "Two things have to happen: first a shift, so that the darkest is 0, then a division.",
            ),
            "constant_divides_by_zero": (
                "A film in which all pixels are equal comes out as NaN; the others are right.",
                "There the brightest minus the darkest is 0, and 0 divided by 0 is not a number. One NaN in a batch"
                " spoils the whole network.",
                "Ask whether both are equal before you divide.",
            ),
            "constant_becomes_one": (
                "A film in which all pixels are equal comes out as 1; the others are right.",
                "Its pixels are the darkest and the brightest at once, and the task says which counts.",
                "What should the darkest pixel become?",
            ),
            "constant_left_as_it_is": (
                "A film in which all pixels are equal comes back as it was; the others are right.",
                "Left as it is it would be up to 255 times as bright as the others of its batch.",
                "What should the darkest pixel become?",
            ),
            "squeezed_into_bytes": (
                "Films of 8 bits are right, those of another type are not.",
                "In uint8 there is room for 0 to 255: what is larger begins again at 0, and what stands behind the"
                " point is lost.",
                "Leave the conversion to uint8 out, or find a type that has room for everything.",
            ),
            "each_column": (
                "Every column was stretched by itself.",
                "With an axis, min and max give one value for each column, and the pattern of the film is lost.",
                "Two numbers are needed for the whole film.",
            ),
            "each_row": (
                "Every row was stretched by itself.",
                "With an axis, min and max give one value for each row, and the pattern of the film is lost.",
                "Two numbers are needed for the whole film.",
            ),
            "ends_cut_off": (
                "The darkest and the brightest pixels are cut off.",
                "That is what percentiles do. Here the whole range of the film is to be kept.",
                "Which pixel should become 0, and which 1?",
            ),
            "not_divided": (
                "The darkest pixel is 0, but the brightest is not 1.",
                "The shift is done; how far the values reach was left as it was.",
                "By what must the values be divided, so that the brightest becomes 1?",
            ),
            "standardised": (
                "Your film has a mean of 0.",
                "You subtracted the mean and divided by the standard deviation. That is another way to normalise, and"
                " some pixels lie below 0.",
                "Which two numbers say where the values begin and where they end?",
            ),
            "divided_by_the_type": (
                "You divide by the largest number that the type has room for.",
                "A film of 16 bits often uses a tenth of that, and comes out nearly black.",
                "Ask the film itself for its darkest and its brightest value.",
            ),
            "one_added_below": (
                "The brightest pixel is a little below 1.",
                "You added something to what you divide by, so that it is never 0. Where the range of the film is"
                " small, that is not a little.",
                "Deal with the film in which all pixels are equal by itself.",
            ),
        },
        (
            "Two numbers describe the range of a film. Which pixel should become 0, which 1?",
            "Take numbers: a film from 50 to 250. What becomes of 150? Write down the two steps that you took.",
            "What is the range of a film in which all pixels are equal? Deal with that case by itself, with an if.",
        ),
    ),
    Exercise(
        "film_to_gray",
        "Grey, whatever the file brings",
        ("film",),
        {
            "alpha_averaged": (
                "Films with four channels are wrong.",
                "Your mean has the alpha channel in it, which says how opaque a pixel is, not how bright.",
                "How many of the four channels belong to the film?",
            ),
            "alpha_multiplied": (
                "Where alpha is low your film is too dark.",
                "Alpha is what a drawing program wrote, not what the rays did to the film; it must not dim anything.",
                "Leave the fourth channel out altogether.",
            ),
            "laid_on_white": (
                "Where alpha is low your film is too bright.",
                "You laid it on a white ground, as a web page does. Alpha is nothing that the rays did.",
                "Leave the fourth channel out altogether.",
            ),
            "alpha_taken": (
                "Of films with four channels you return the last: that is alpha.",
                "It is often 255 everywhere, so such a film would be a white square.",
                "Counting from the end gives another channel when there are four.",
            ),
            "rgba_left_out": (
                "Films with four channels are left out.",
                "That is what the original course did, without noticing: 29 of its 1,107 films were never used.",
                "They hold the same film as the others. Where?",
            ),
            "gray_forgotten": (
                "Films with three or four channels are right, those without channels are not.",
                "A grey film has two axes only, and you ask for a third.",
                "Ask film.ndim how many axes there are.",
            ),
            "zero_to_one": (
                "Your values lie between 0 and 1.",
                "The stretching comes later; here the values are to stay as they are in the file.",
                "Do you use rgb2gray? It divides by 255. Is there a simpler way?",
            ),
            "sum_ran_over": (
                "Films with channels come out far too dark.",
                "Adding numbers of type uint8 runs over at 255 and begins again at 0, before you divide.",
                "All three channels are equal. Do you have to add anything?",
            ),
            "channel_kept": (
                "Your films have a third axis with a single channel.",
                "A slice such as 0:1 keeps the axis, a number such as 0 does not.",
                "Print the shape of what you return.",
            ),
            "alpha_dropped_only": (
                "Alpha is gone, but three channels are left.",
                "They are equal: the same film three times.",
                "Return a picture with two axes.",
            ),
            "alpha_ran_over": (
                "Where there is alpha, nearly all of your film is black.",
                "It was multiplied by alpha, and in uint8 such a product begins again at 0 after 255. Nor has alpha"
                " anything to do with the film.",
                "Leave the fourth channel out altogether.",
            ),
            "brightest_channel": (
                "Where alpha is high your film is too bright.",
                "You take the largest of all channels, and often that is alpha.",
                "How many of the four channels belong to the film?",
            ),
            "first_channel_left_out": (
                "Films with four channels are wrong.",
                "The channels are counted from 0, and yours begin with the second: so alpha is among them.",
                "Which numbers have the three channels of the film?",
            ),
            "mean_over_a_missing_axis": (
                "Your mean has the alpha channel in it, and a film without channels has nothing to take the mean over.",
                "Alpha says how opaque a pixel is, not how bright; and a grey film has two axes only.",
                "Treat the kinds of file one after the other. Print film.shape for one of each.",
            ),
        },
        (
            "There are three kinds of file here. Print film.shape and film.ndim for one of each.",
            "Where a film has channels, the first three are equal. So how many of them do you need?",
            "Treat the two cases one after the other: two axes, or three. The number of channels does not matter.",
        ),
        close=Closeness(1.01),
    ),
    Exercise(
        "fit_whole_film",
        "The whole film, and no lines that are not there",
        ("film", "size"),
        {
            "squeezed": (
                "The film fills the square, and is distorted.",
                "Rows and columns were scaled by different factors, so a heart becomes wider or narrower than it is.",
                "Find one factor for both sides: which side decides it?",
            ),
            "cropped_to_square": (
                "Two sides of the film are missing.",
                "The shorter side fills the square, and what lies beyond of the longer one was cut off: there a small"
                " effusion may be.",
                "Which side must fit into the square if nothing is to be lost?",
            ),
            "margin_on_one_side": (
                "The film is right, but lies at an edge of the square.",
                "All of the margin is at the bottom or at the right.",
                "How much is left over? Half of it belongs before the film.",
            ),
            "margin_white": (
                "The margin is white.",
                "Black is 0 and white is 1 here, and white is what an effusion looks like.",
                "What do you fill the square with before the film is put in?",
            ),
            "margin_repeats_the_edge": (
                "The margin repeats the outermost pixels of the film.",
                "That draws lungs and ribs that nobody has; the margin is to be black.",
                "The function that makes the margin has a mode for it.",
            ),
            "not_padded": (
                "The film is right, but not a square.",
                "The network takes pictures of one shape only.",
                "Put the small film into the middle of a black square.",
            ),
            "not_smoothed": (
                "The lines of the film have become other, wider lines.",
                "Between two pixels of the result lie several of the original that nobody looked at. Fine patterns"
                " turn into false ones that way, which is called aliasing.",
                "Smooth before you shrink; skimage's resize can do it for you.",
            ),
            "pixels_left_out": (
                "The lines of the film have become other, wider lines.",
                "You keep one pixel of several and throw away the others. Fine patterns turn into false ones that way,"
                " which is called aliasing.",
                "Every pixel of the original should count a little.",
            ),
            "margin_first": (
                "The film is right, but lies at an edge of the square.",
                "All of the margin is at the top or at the left.",
                "How much is left over? Half of it belongs behind the film.",
            ),
            "margin_grey": (
                "The margin is grey.",
                "Grey is what tissue looks like; the margin is to be black, which is 0.",
                "What do you fill the square with before the film is put in?",
            ),
            "sides_of_shape_swapped": (
                "Your film is wide where it should be high.",
                "Rows and columns of the new shape have changed places: shape has the rows first, other programs the"
                " width.",
                "Print the shape of the film, and the shape that you ask for.",
            ),
            "lying": (
                "Your film lies on its side.",
                "It has been transposed: rows have become columns.",
                "Print the shape of the film before and after each step, and look for .T.",
            ),
            "cut_out_of_the_middle": (
                "You have cut a square out of the film, without making it smaller.",
                "What lies outside is lost, and that is nearly all.",
                "The whole film is to fit in. By which factor must it shrink?",
            ),
            "cut_out_of_the_corner": (
                "You have cut a square from the upper left of the film.",
                "What lies right of it or below is lost.",
                "The whole film is to fit in. Which of its sides decides by how much it shrinks?",
            ),
            "nearest_pixel": (
                "The lines of the film have become other, wider lines.",
                "Each pixel of the result is a copy of a single one; those between have no say. Fine patterns turn"
                " into false ones that way, which is called aliasing.",
                "Every pixel of the original should count a little.",
            ),
            "squeezed_and_not_smoothed": (
                "The film fills the square, is distorted, and its lines have become other lines.",
                "Rows and columns were scaled by different factors, and without smoothing, which makes false patterns.",
                "Take one thing after the other. The shape first: one factor for both sides.",
            ),
            "too_smooth": (
                "Nearly all is gone: your film is a blur.",
                "It was smoothed over many pixels of the result. Only what lies between two of them should be smoothed"
                " away.",
                "Smooth less, or leave it to a function that does it on its own.",
            ),
            "scaled_to_255": (
                "Your values run up to 255.",
                "The film has values from 0 to 1, and they are to stay as they are.",
                "Where does your code leave the floating-point numbers from 0 to 1?",
            ),
        },
        (
            "Which side is the longer one? It becomes `size` pixels; by which factor is that?",
            "Three steps: the shape of the small film, the small film, the black square with the film in its middle.",
            "The resize of skimage takes the new shape, and anti_aliasing. A black square comes from np.zeros, a margin"
            " from np.pad.",
        ),
        close=Closeness(0.03, on_average=True),
    ),
    Exercise(
        "split_by_patient",
        "A patient on one side only",
        ("names", "count"),
        {
            "single_films": (
                "You put the last so many films into validation, not the films of so many patients.",
                "A patient with several films can then be on both sides, and the network recognises the ribs, not the"
                " effusion.",
                "Make a list of the patients first. How long is it?",
            ),
            "one_film_each": (
                "Of each patient in validation only one film is there; the others are in training.",
                "The network has then seen these patients, and the result looks better than it is.",
                "All films of these patients go to the same side.",
            ),
            "both_sides": (
                "The films in validation are in training, too.",
                "What was learnt by heart is then asked in the examination.",
                "A film that goes to one side has to leave the other.",
            ),
            "number_after_underscore": (
                "You sort by the number behind the underscore.",
                "That counts the films of one patient: 000 is the first of everybody.",
                "Which digits of a name belong to the patient?",
            ),
            "lowest_numbers": (
                "You took the patients with the lowest numbers.",
                "The split is sound, but the task asks for the highest.",
                "Look at the order in which you sort, or at the end from which you take.",
            ),
            "parts_swapped": (
                "Training and validation have changed places.",
                "The patients that you chose are in training, and all others in validation.",
                "Which of your two lists belongs to which name?",
            ),
            "last_in_the_list": (
                "You took the patients that are named last.",
                "The names are in no order; the highest number can stand anywhere.",
                "What has to happen to the list of patients first?",
            ),
            "films_counted": (
                "You went on until there were so many films in validation.",
                "The count is one of patients; how many films they bring does not matter.",
                "Choose the patients first, without looking at their films.",
            ),
            "only_first_films": (
                "Films are missing on both sides: only the first of each patient is there.",
                "A patient's later films may be used, as long as they are all on one side.",
                "Count what you return: is it as much as came in?",
            ),
            "one_patient_too_many": (
                "One patient too many is in validation.",
                "A slice that begins at -count holds count entries; yours begins one earlier.",
                "Print the list of the patients, and the slice.",
            ),
            "one_patient_too_few": (
                "One patient too few is in validation.",
                "A slice ends before its last number, and the highest patient was left out.",
                "Print the list of the patients, and the slice.",
            ),
            "only_one_patient": (
                "Only one patient is in validation.",
                "You took the highest number, or the one at a certain place, and not so many as were asked for.",
                "How many patients should there be?",
            ),
            "digit_lost": (
                "Some patients go with another whose number begins alike.",
                "You compare fewer than eight characters, so numbers that differ in the last digit look the same.",
                "Print what you take for the number of a patient. How many digits has it?",
            ),
            "last_names": (
                "You put the last names of the list into validation.",
                "The list is in no order, and a patient with several films can then be on both sides.",
                "Make a list of the patients first, and sort it.",
            ),
            "first_names": (
                "You put the first names of the list into validation.",
                "The list is in no order, and a patient with several films can then be on both sides.",
                "Make a list of the patients first, and sort it.",
            ),
            "patients_not_films": (
                "Your lists hold patients, not films.",
                "The numbers decide who goes where; asked for are the names of the files.",
                "With the patients of the validation part known, go through all of the names.",
            ),
            "later_films_lost": (
                "Films are missing in validation: only the first of each patient is there.",
                "A patient's later films may be used, as long as they are all on one side.",
                "Count what you return: is it as much as came in?",
            ),
            "most_films": (
                "You took the patients with the most films.",
                "The split is sound, but the task asks for the highest numbers.",
                "By what do you sort the patients?",
            ),
            "validation_empty": (
                "All films are in training.",
                "There is nothing left to measure with.",
                "Which films are to be in validation, and where does your code put them there?",
            ),
        },
        (
            "The first eight characters are name[:8]. What do two films of one patient have in common?",
            "A set keeps each patient once, and sorted brings them into order.",
            "With the patients of the validation part known, ask of each film: is its patient among them?",
        ),
        close=Closeness(any_order=True),
    ),
    Exercise(
        "film_settings",
        "What a film may be put through",
        (),
        {
            "turned_far": (
                "Your films are turned too far.",
                "Patients stand a little askew; nobody lies in front of the detector, and fluid runs to where down is.",
                "By how many degrees may somebody lean?",
            ),
            "shifted_far": (
                "Your films are shifted too far.",
                "At half of the width, one of the two lungs has left the picture, and perhaps the effusion with it.",
                "Shift so little that what the label names stays inside.",
            ),
            "turned_and_shifted_far": (
                "Your films are turned and shifted too far.",
                "They would show what no film shows, or no longer what their label says.",
                "Both amounts should be those by which patients stand differently.",
            ),
            "cropped": (
                "You cut off the edges.",
                "The lower corners of the lungs lie there, where a small effusion shows first. The label stays, and is"
                " no longer true.",
                "How much of the edge is dispensable?",
            ),
            "on_its_head": (
                "Every other film stands on its head.",
                "A body has an up and a down, and fluid collects below: such a film cannot exist.",
                "Go through the five settings once more, and ask of each whether a film like that can be taken.",
            ),
            "cropped_and_on_its_head": (
                "You cut off the edges, and every other film stands on its head.",
                "The one can remove what the label names; the other makes films that cannot exist.",
                "Go through the five settings once more, and ask of each whether the label stays true.",
            ),
            "as_for_flowers": (
                "This is what one may do to flowers.",
                "A daisy is one from all sides. A chest has an up and a down, and what matters may lie at the edge.",
                "Ask of each setting: can such a film be taken, and is its label still true?",
            ),
            "validation_changed": (
                "The validation films are changed, too.",
                "They stand for the patients to come, and nobody turns their films at random; each epoch would be"
                " measured with another ruler.",
                "Which part of the films is augmentation for?",
            ),
            "nothing_changed": (
                "Nothing is left that changes a film.",
                "That is safe, and helps nobody: the network should meet patients who stand a little differently.",
                "Two of the amounts may be a little above 0.",
            ),
            "never_turned": (
                "Your films are never turned.",
                "Patients do stand a little askew, and the network should be used to that.",
                "A few degrees do no harm.",
            ),
            "never_shifted": (
                "Your films are never shifted.",
                "Patients do not all stand in the middle, and the network should be used to that.",
                "A few hundredths of the width do no harm.",
            ),
            "turned_far_and_on_its_head": (
                "Your films are turned too far, and every other one stands on its head.",
                "A body has an up and a down, and fluid collects below: such films cannot exist.",
                "Ask of each setting whether a film like that can be taken.",
            ),
            "turned_far_and_cropped": (
                "Your films are turned too far, and their edges are cut off.",
                "The one makes films that cannot exist; the other can remove what the label names.",
                "Ask of each setting: can such a film be taken, and is its label still true?",
            ),
            "turned_cropped_and_on_its_head": (
                "Three of your settings are made for flowers.",
                "Only how far you shift is fit for a chest. It has an up and a down, and what matters may lie at the"
                " edge.",
                "Ask of each setting: can such a film be taken, and is its label still true?",
            ),
            "validation_changed_and_on_its_head": (
                "Every other film stands on its head, those of validation as well.",
                "Such films cannot exist, and the validation films stand for the patients to come.",
                "Ask of each setting: can such a film be taken? And which films is augmentation for?",
            ),
            "validation_changed_and_cropped": (
                "The edges are cut off, and the validation films are changed, too.",
                "The one can remove what the label names; the other measures each epoch with another ruler.",
                "Ask of each setting whether the label stays true. And which films is augmentation for?",
            ),
            "everything_at_once": (
                "All of your settings go too far.",
                "Such films cannot exist, their labels may be false, and validation measures with another ruler each"
                " time.",
                "Begin with one setting: by how many degrees may somebody lean?",
            ),
            "entry_missing": (
                "Only the two amounts are there.",
                "The dictionary is to have five entries.",
                "Compare its keys with the first column of the table.",
            ),
        },
        (
            "Two questions of each setting: can such a film be taken of a patient? And is its label still true?",
            "Where does fluid go in somebody who stands upright? And where in the film do small effusions show?",
            "Two of the five change a film a little, without harm. The others should do nothing, or keep augmentation"
            " away from where it does not belong.",
        ),
        view="film_settings",
    ),
    Exercise(
        "augment_some",
        "Only some, only in training",
        ("films", "fraction", "mode", "seed"),
        {
            "validation_too": (
                "The validation films are changed, too.",
                "They are the ruler, and a ruler must not change from one measurement to the next.",
                "What should come back if the mode is not that of training?",
            ),
            "only_validation": (
                "Films are changed in validation, and in training they are not.",
                "It is the other way round: training is where variety helps.",
                "Read your if once more, or look at the mode that it asks for.",
            ),
            "every_film": (
                "In training every film is changed.",
                "Then the network never meets a film as it is, and those are what it will be used for.",
                "Which films have a number below the fraction?",
            ),
            "the_other_films": (
                "The films that should be changed are left, and the others are changed.",
                "With a fraction of 0.25 that is three quarters of them.",
                "Look at your comparison: a number below the fraction means change.",
            ),
            "one_number_for_all": (
                "All films of a batch share one fate: all are changed, or none is.",
                "One number was drawn for the whole batch.",
                "Draw one for each film; random takes how many you want.",
            ),
            "first_films": (
                "It is always the first films of a batch that are changed.",
                "The share is right, but chance should decide which.",
                "Compare the number of each film with the fraction.",
            ),
            "seed_ignored": (
                "The same films are changed, whatever the seed is.",
                "The generator was made with a number of its own, not with the one that is handed in.",
                "Where does your function use its last argument?",
            ),
            "dimmed": (
                "The right films are changed, but they have become darker.",
                "Multiplying by 0.8 moves every pixel towards black; less contrast means towards the middle, 0.5.",
                "What should become of a pixel that is 0.5?",
            ),
            "appended": (
                "You return more films than came in.",
                "The changed films stand behind the originals, as in the lesson on generators. Here they take the"
                " place of the originals.",
                "Print how many films you return.",
            ),
            "only_changed_returned": (
                "In training the films that are not changed are missing.",
                "A batch is to keep its size: the labels that go with it are as many as before.",
                "Put the changed films where they were.",
            ),
            "changed_in_place": (
                "The result is right, but the films that went in have been changed.",
                "They are read once and used in every epoch: each time they would lose more contrast.",
                "Let the result be a new array, and give that back.",
            ),
            "never_changed": (
                "No film is ever changed.",
                "The result was not kept, or the mode is compared with a word that it never is.",
                "Print the mode, and the numbers of the films.",
            ),
            "always_all": (
                "All films are changed, in training and in validation.",
                "Nothing in your function asks for the mode, or for the numbers of the films.",
                "Start with validation: what comes back there?",
            ),
            "half_not_subtracted": (
                "The right films are changed, but they have become brighter.",
                "The brackets are missing, or 0.5 was added and not taken away before.",
                "What should become of a pixel that is 0.5?",
            ),
            "about_the_mean": (
                "The right films are changed, but about their own mean.",
                "What stays as it is should be 0.5, not the mean of the films.",
                "What should become of a pixel that is 0.5?",
            ),
            "more_contrast": (
                "The right films are changed, but they have more contrast than before.",
                "You divide by 0.8, and that moves all pixels away from the middle.",
                "What should become of a white pixel?",
            ),
            "each_pixel": (
                "Single pixels are changed, not whole films.",
                "You have drawn a number for each pixel.",
                "One number for each film is enough; random takes how many you want.",
            ),
            "reordered": (
                "The changed films stand first, the others behind them.",
                "The labels that go with the films stay in their order, so most would now belong to another film.",
                "Put the changed films where they were.",
            ),
            "older_generator": (
                "Films are changed by other numbers than those of the task.",
                "np.random.seed and np.random.rand are an older generator: from the same seed it draws other numbers.",
                "Draw with the generator that the task names.",
            ),
            "exact_share": (
                "You change exactly the share of each batch.",
                "Chance decides film by film here, so that one batch has more and another fewer.",
                "Compare the number of each film with the fraction.",
            ),
        },
        (
            "Start with validation: what comes back there? Then draw the numbers, and print them.",
            "`numbers < fraction` has True for each film that is to be changed; it can stand in square brackets.",
            "Make a copy of the films, and assign the flatter ones to the chosen places of the copy.",
        ),
    ),
)

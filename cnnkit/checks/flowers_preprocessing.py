"""The exercises on shape, values and place of flowers' pixels; lessons 01 to 04."""

from cnnkit.checks.compare import Closeness
from cnnkit.checks.exercise import Exercise

__all__ = ["EXERCISES"]

IN_PLACE = (
    "The result is right, but the picture that went in has been changed.",
    "Assigning to image[...] changes the caller's picture, and whoever needs it next gets yours instead.",
    "Let the result be a new array, and give that back.",
)

EXERCISES = (
    Exercise(
        "flip_twice",
        "Two flips",
        ("image",),
        {
            "only_left_right": (
                "Left and right are exchanged, top and bottom are not.",
                "One flip is done; the second is missing, or its result was not kept.",
                "Does your second step work on the result of the first, and do you return what comes of it?",
            ),
            "only_up_down": (
                "Top and bottom are exchanged, left and right are not.",
                "One flip is done; the other is missing, or its result was not kept.",
                "Does your second step work on the result of the first, and do you return what comes of it?",
            ),
            "same_flip_twice": (
                "The picture came back as it was.",
                "The same flip done twice undoes itself: what went left comes back.",
                "Which axis runs from left to right, and which from top to bottom? Each of them is needed once.",
            ),
            "transposed": (
                "Rows have become columns.",
                "That is a mirror along the diagonal, one step, not two flips, and it makes a wide picture high.",
                "A flip never changes the shape. Look for a transpose or a swap of axes.",
            ),
            "quarter_turn": (
                "The picture is turned by 90°.",
                "A quarter turn changes the shape of a picture; two flips do not.",
                "Draw a 2×3 grid with the numbers 1 to 6, and flip it twice on paper.",
            ),
            "flips_channels": (
                "The flips are right, but in colour pictures red and blue are exchanged as well.",
                "A picture in colour has a third axis, the channels, and that was turned round with the others.",
                "Name the axes that are to be flipped.",
            ),
            "changed_in_place": IN_PLACE,
        },
        (
            "Draw a 2×3 grid with the numbers 1 to 6. What stands where after the first flip, what after the second?",
            "Axis 0 runs from top to bottom, axis 1 from left to right. A slice with step -1 walks backwards.",
            "NumPy also has fliplr and flipud. Give the result of one to the other.",
        ),
    ),
    Exercise(
        "stretch_quartiles",
        "Normalise between the quartiles",
        ("image",),
        {
            "brackets_forgotten": (
                "Every pixel has lost a little, and the scale is as it was.",
                "Division comes before subtraction: without brackets only the low percentile is divided.",
                "What should be subtracted before anything is divided? Put brackets round it.",
            ),
            "five_and_ninety_five": (
                "The values are squeezed: this is what the 5th and 95th percentiles give.",
                "They lie further apart than the quartiles, so you divide by more.",
                "Read the two percentages in the task again.",
            ),
            "least_and_largest": (
                "Your values run exactly from 0 to 1.",
                "That is what the lowest and the highest pixel give; the quartiles lie well inside them.",
                "Find the two values that a quarter and three quarters of the pixels lie below.",
            ),
            "clipped": (
                "All that should lie below 0 or above 1 is cut off.",
                "Half of the pixels lie outside the quartiles, and here they are to keep their differences.",
                "Leave out the clipping.",
            ),
            "quarter_percent": (
                "Your low and high value are both among the very darkest pixels.",
                "NumPy counts percentiles from 0 to 100, so that 0.25 is a quarter of one percent.",
                "Print the two values. About half of the pixels should lie between them.",
            ),
            "ran_over": (
                "In pictures of whole numbers the dark pixels come out as the brightest.",
                "A difference below zero has no place in uint8 and begins again at 255.",
                "Go over to floating point before you subtract.",
            ),
            "each_channel": (
                "Colour pictures are wrong, grey ones right: each channel was stretched by itself.",
                "That changes the colours; the task asks for two values for the whole picture.",
                "Over which axes do you take the percentiles?",
            ),
        },
        (
            "Two numbers are needed first: a quarter of all pixels lies below one, three quarters below the other.",
            "np.percentile(image, 50) would be the middle one.",
            "The low value must become 0 and the high one 1. Check this with your own formula, on paper.",
        ),
    ),
    Exercise(
        "turn_and_zoom",
        "Turn, then zoom in four times",
        ("image",),
        {
            "zoomed_out": (
                "The picture has become smaller instead of larger.",
                "warp asks for every pixel of the result where in the original it comes from, so a map with scale 4"
                " reaches out four times as far.",
                "Which way round must the scale be, if neighbours in the result are to lie closer in the original?",
            ),
            "turned_clockwise": (
                "The zoom is right, and the turn goes the other way.",
                "Positive angles are counter-clockwise: what was at the right comes to the top.",
                "Try a picture with one bright corner, before you zoom.",
            ),
            "not_turned": (
                "This is zoomed in but not turned.",
                "Perhaps the turned picture was not the one that you zoomed into.",
                "Follow the turned picture: in which line is it used?",
            ),
            "not_zoomed": (
                "This is turned but not zoomed in.",
                "Perhaps the zoomed picture is not the one that you return.",
                "Follow the result of the zoom: in which line is it used?",
            ),
            "zoomed_twice": (
                "The picture is enlarged, but two times instead of four.",
                "Four times means four times as wide and four times as high, so sixteen times the area.",
                "A sixteenth of the turned picture should fill the whole frame.",
            ),
            "from_the_corner": (
                "You zoomed into the upper left corner.",
                "Scaling by itself leaves the point (0, 0) where it is, and that is the corner.",
                "Which point must stay where it is? Move it to (0, 0) first, or find the shift that brings it back.",
            ),
            "centre_swapped": (
                "The zoom is not about the middle, but about a point beside it.",
                "Rows and columns of the centre have changed places: x counts columns, y counts rows.",
                "Print the centre of a picture of 4 rows and 10 columns. Which number is x?",
            ),
            "corners_lost": (
                "The result has the shape of the original, and parts at its sides are lost.",
                "A wide picture that is turned becomes a high one; a frame that stays wide cuts it off.",
                "What shape has the picture after the turn? The function that you turn with has an option for it.",
            ),
            "not_enlarged": (
                "You have cut out the right part and left it small.",
                "A zoom keeps the size of the frame: the part has to fill it.",
                "Enlarge the part until it has the shape of the turned picture.",
            ),
        },
        (
            "Two steps. Do the turn alone first, and look at the shape: rows and columns have changed places.",
            "For the zoom there are two ways: cut out the middle quarter (in each direction) and enlarge it, or warp.",
            "With warp: for a pixel at x the colour comes from c + (x - c) / 4, where c is the centre. That is a scale"
            " and a shift.",
        ),
        close=Closeness(0.012, on_average=True),
    ),
    Exercise(
        "gray_from_rgba",
        "Grey from RGBA",
        ("image",),
        {
            "plain_mean": (
                "Green is too dark and blue too bright.",
                "You took the mean of the three colours, but the eye does not find them equally bright.",
                "Give each colour the weight that the task names.",
            ),
            "alpha_counted": (
                "Your grey depends on the fourth channel.",
                "Alpha says how opaque a pixel is, not how bright, and it is in your mean.",
                "Take the first three channels only.",
            ),
            "alpha_multiplied": (
                "Your grey is darker where the picture is less opaque.",
                "You have multiplied by the fourth channel; the task asks to leave it out.",
                "Take the first three channels only.",
            ),
            "brightest_channel": (
                "You return the largest of the three colours.",
                "Then pure blue is as bright as white, and to the eye it is nearly black.",
                "All three colours add to the brightness, each with its weight.",
            ),
            "green_channel": (
                "You return the green channel alone.",
                "It is the brightest of the three to the eye, but red and blue count as well.",
                "All three colours add to the brightness, each with its weight.",
            ),
            "one_channel": (
                "You return one of the channels.",
                "The red channel is how red a picture is; a green leaf is nearly black in it.",
                "All three colours add to the brightness, each with its weight.",
            ),
            "weights_reversed": (
                "The weights of red and blue have changed places.",
                "In some libraries blue comes first; here channel 0 is red.",
                "Try a picture that is all blue: it must come out nearly black.",
            ),
            "older_weights": (
                "Close: these are the weights of an older standard.",
                "0.299, 0.587 and 0.114 were made for the screens of old television sets.",
                "Take the three weights that the task names.",
            ),
            "zero_to_one": (
                "Your values lie between 0 and 1.",
                "skimage's rgb2gray divides by 255; the task asks for grey from 0 to 255.",
                "Bring the result back to the scale of the picture.",
            ),
            "ran_over": (
                "Bright pixels come out far too dark.",
                "Adding numbers of type uint8 runs over at 255 and begins again at 0, before you divide.",
                "Go over to floating point before you add.",
            ),
        },
        (
            "Look at one pixel: image[0, 0] has four numbers. Which of them say how bright it is?",
            "Brightness is a weighted sum: a share of red, a share of green, a share of blue.",
            "image[:, :, 1] is the green channel as a picture. Three of those, each times its weight, added.",
        ),
        close=Closeness(1.01),
    ),
    Exercise(
        "center_crop",
        "Cut out the centre, or skip",
        ("image", "size"),
        {
            "from_the_corner": (
                "You cut from the upper left corner.",
                "The margin must be the same on both sides, so the piece does not begin at 0.",
                "How many rows are left over? Half of them belong above the piece.",
            ),
            "begins_in_the_middle": (
                "Your piece begins in the middle of the picture.",
                "The middle of the piece should be there, and it begins half its size earlier.",
                "How many rows are left over? Half of them belong above the piece.",
            ),
            "from_the_other_corner": (
                "You cut from the lower right corner.",
                "The whole margin lies at the top and at the left, instead of half of it.",
                "How many rows are left over? Half of them belong above the piece.",
            ),
            "only_rows_centered": (
                "The rows are right, the columns begin at the left side.",
                "Both have a margin, and it is to be the same on both sides.",
                "What have you done for the rows? Do the same for the columns.",
            ),
            "scaled_instead": (
                "You have made the whole picture smaller instead of cutting a piece out.",
                "That changes what is in it, and its proportions.",
                "A slice takes a part, and leaves its pixels as they are.",
            ),
            "spare_row_at_the_top": (
                "Off by one where the margin is odd.",
                "The spare row or column is to be left at the bottom or right, and you leave it at the top or left.",
                "Take 5 rows out of 8: three are left over. How many go above?",
            ),
            "odd_size_loses_one": (
                "Where the size is odd, a row or column is missing.",
                "Going half the size to both sides of the middle gives an even number, since the half is cut down.",
                "Find where the piece begins, and let it end exactly its size further on.",
            ),
            "size_swapped": (
                "Rows and columns of the size have changed places.",
                "A size here is (rows, columns), as in shape; many programs say width first.",
                "Cut 2 rows and 5 columns out of something, and print the shape.",
            ),
            "small_not_skipped": (
                "A picture that is too small is not skipped.",
                "A slice never complains: it gives back what there is, and a batch of unequal pictures fails later.",
                "Before you cut: what should come back if a side is too short?",
            ),
            "equal_size_skipped": (
                "A picture that fits exactly was skipped.",
                "As large as the piece is large enough.",
                "Look at your comparison: what does it say when both are equal?",
            ),
            "one_side_checked": (
                "A picture that is high enough but too narrow is not skipped.",
                "Both sides must be long enough.",
                "Try a picture with many rows and two columns.",
            ),
        },
        (
            "Do it for a row of numbers first: cut the middle 3 out of 8. Where does the piece begin?",
            "The margin is what is left over; half of it, rounded down, lies before the piece.",
            "If a side is too short, return None before you cut. Too short means less than asked.",
        ),
    ),
    Exercise(
        "count_spots",
        "Count the spots",
        ("image", "level", "radius"),
        {
            "no_opening": (
                "You count every speck.",
                "Single bright pixels and thin lines are also above the level; the opening is there to remove them.",
                "Look at the mask before and after the opening. Is it the second that you count?",
            ),
            "closed_instead": (
                "You count specks, and spots that lie close have grown together.",
                "A closing fills gaps; it is the opening that removes what the disk does not fit into.",
                "Which comes first in an opening, erosion or dilation?",
            ),
            "only_eroded": (
                "Some spots are counted twice.",
                "Two spots that overlap are cut apart when the mask shrinks; an opening lets it grow again.",
                "What comes after the erosion?",
            ),
            "background_counted": (
                "One too many.",
                "label numbers the parts from 1 and gives the background a 0; that is no spot.",
                "Which of the numbers in the labelled picture belong to spots?",
            ),
            "counts_pixels": (
                "You return how many pixels are white.",
                "A spot is a part of many pixels that hang together.",
                "skimage.measure.label gives each part a number of its own.",
            ),
            "dark_counted": (
                "You count the dark parts.",
                "The comparison is the wrong way round: spots are brighter than the level.",
                "Show the mask. What should be white?",
            ),
            "level_included": (
                "A spot that is exactly as bright as the level was counted.",
                "Brighter than the level means that equal is not enough.",
                "Look at your comparison.",
            ),
            "diameter_for_radius": (
                "The smaller spots are gone.",
                "Your disk is twice as large as asked: a disk of radius r is 2r + 1 wide, and takes r.",
                "Print the shape of your disk for radius 2.",
            ),
            "radius_left_out": (
                "Right where the radius is 1, and too many where it is larger.",
                "Your disk always has the radius 1, so larger specks stay.",
                "Which of the arguments have you not used?",
            ),
        },
        (
            "Three steps: a mask, a cleaner mask, a number. Show the picture after each.",
            "An opening with a disk of this radius removes what the disk does not fit into.",
            "skimage.measure.label numbers the parts of a mask: 1, 2, 3 and so on. How many are there?",
        ),
    ),
    Exercise(
        "brighten",
        "Brighter, without running over",
        ("image", "amount"),
        {
            "ran_over": (
                "Bright pixels have turned dark, or dark ones bright.",
                "In uint8 what comes after 255 is 0, and what comes before 0 is 255; clipping afterwards is too late.",
                "Do the sum in a type with more room, and go back to uint8 when all is between 0 and 255.",
            ),
            "not_clipped": (
                "Some of your pixels lie below 0 or above 255.",
                "A screen has no brighter than white; what is beyond has to become white, or black.",
                "Cut the sum off at both ends.",
            ),
            "only_white_clipped": (
                "Above 255 all is well, below 0 it is not.",
                "The amount may be negative, and then pixels become too dark.",
                "Cut off at the lower end, too.",
            ),
            "zero_to_one": (
                "Nearly all of your pixels are 1.",
                "You cut off at 1, which is white for floating point; for uint8 white is 255.",
                "Which values has your picture before you cut?",
            ),
            "only_black_clipped": (
                "Below 0 all is well, above 255 it is not.",
                "The amount may be positive, and then pixels become too bright.",
                "Cut off at the upper end, too.",
            ),
            "taken_away": (
                "Bright has become dark: you take the amount away.",
                "A positive amount is to make a picture brighter.",
                "Look at the sign in your formula.",
            ),
            "sign_lost": (
                "A negative amount makes your pictures brighter as well.",
                "Its sign has been lost, by abs or by an unsigned type.",
                "What is the amount of -40 when it comes into your sum?",
            ),
            "multiplied": (
                "You multiply where you should add.",
                "A factor spreads the values; an amount moves all of them alike.",
                "What should become of a black pixel if the amount is 40?",
            ),
            "changed_in_place": IN_PLACE,
        },
        (
            "What is 200 + 100 for a pixel? And np.uint8(200) + np.uint8(100)?",
            "image.astype(int) has room for every sum, and for negative numbers.",
            "np.clip cuts off at both ends. Which of the steps has to come first?",
        ),
    ),
)
